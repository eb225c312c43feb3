package directives

import (
	"errors"
	"slices"
	"strings"

	"weir/directives/conf"
	"weir/internal/ascii"
	"weir/internal/hostname"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
)

// serverNames are the names of a server. R is the type of regular expressions.
type serverNames[R any] struct{ given []serverName[R] }

// A serverName is one name of a server; if it has a pattern, the text is the pattern with the ~
// before it.
type serverName[R any] struct {
	text    string
	pattern *R // nil for a name
}

// setNames follows ngx_stream_core_server_name.
func (c *streamConf) setNames(call *conf.Call) {
	c.names.read(call, configOf(call.Level).Vars.Regex)
}

// streamNames returns the names of a server of stream {}.
func streamNames(server *conf.Level) *serverNames[stream.Regex] {
	return &conf.At[streamConf](server).names
}

// read reads the arguments of server_name. compile compiles a pattern.
func (n *serverNames[R]) read(call *conf.Call, compile func(pattern string, fold bool) (*R, error)) {
	for i := range call.Args() {
		word := &call.Args()[i]
		text, pattern, ok := readServerName(call, word)
		if !ok {
			return
		}
		name := serverName[R]{text: text}
		if pattern != "" {
			re, err := compile(pattern, hasUpper(pattern))
			if err != nil {
				call.Fail(word, "%s", err)
				return
			}
			name = serverName[R]{word.Text, re}
		}
		n.given = append(n.given, name)
	}
}

// readServerName reads one argument of server_name: a name in lower case, or a pattern.
func readServerName(call *conf.Call, word *parser.Word) (name, pattern string, ok bool) {
	name = word.Text
	if wrongWildcard(name) {
		call.Fail(word, "server name \"%s\" is invalid", name)
		return "", "", false
	}
	if strings.Contains(name, "/") {
		call.Warn(word, "server name \"%s\" has suspicious symbols", name)
	}
	if pattern, isPattern := strings.CutPrefix(name, "~"); isPattern {
		if pattern == "" {
			call.Fail(word, "empty regex in server name \"%s\"", word.Text)
		}
		return "", pattern, pattern != ""
	}
	if ascii.EqualFold(name, "$hostname") {
		name = call.Compiler().Env.Hostname()
	}
	return ascii.ToLower(name), "", true
}

// wrongWildcard reports whether a name begins like a wildcard but is not a valid one. Other errors
// are checked only where servers share an address.
func wrongWildcard(text string) bool {
	return strings.HasPrefix(text, "*") && (len(text) < 3 || text[1] != '.') || text == "."
}

// hasUpper reports whether a pattern has an upper-case letter; then it ignores case.
func hasUpper(pattern string) bool {
	return strings.ContainsFunc(pattern, func(r rune) bool { return 'A' <= r && r <= 'Z' })
}

// all returns the names; without server_name there is one empty name.
func (n *serverNames[R]) all() []serverName[R] {
	if len(n.given) == 0 {
		return []serverName[R]{{}}
	}
	return n.given
}

// first is the value of $server_name.
func (n *serverNames[R]) first() string { return strings.TrimPrefix(n.all()[0].text, ".") }

func (n *serverNames[R]) hasPattern() bool {
	return slices.ContainsFunc(n.given, func(name serverName[R]) bool { return name.pattern != nil })
}

// mapNames maps the names of servers to the servers of an address. It is nil for an address with one server,
// unless one of its names is a regular expression, which may have captures. It follows
// ngx_stream_server_names.
func mapNames[V comparable, R any](
	c *conf.Compiler, l *listenAddr, of func(*conf.Level) *serverNames[R], servers map[*conf.Level]V,
) *hostname.Map[V, R] {
	if len(l.servers) == 1 && !of(l.primary).hasPattern() {
		return nil
	}
	m := &hostname.Map[V, R]{}
	for _, level := range l.servers {
		for _, n := range of(level).all() {
			if n.pattern != nil {
				m.AddPattern(n.pattern, servers[level])
				continue
			}
			l.reportName(c, n.text, m.Add(n.text, servers[level]))
		}
	}
	return m
}

// reportName reports the error of a name.
func (l *listenAddr) reportName(c *conf.Compiler, name string, err error) {
	switch {
	case errors.Is(err, hostname.ErrInvalid):
		c.ReportBare(diag.Emerg, "invalid server name or wildcard \"%s\" on %s", name, l.addr)
	case errors.Is(err, hostname.ErrTaken):
		c.ReportBare(diag.Warn, "conflicting server name \"%s\" on %s, ignored", name, l.addr)
	}
}
