package directives

import (
	"errors"
	"strings"

	"weir/directives/conf"
	"weir/internal/ascii"
	"weir/internal/hostname"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
)

// A serverName is one name of a server; if it has a pattern, the text is the pattern with the ~
// before it.
type serverName struct {
	text    string
	pattern *stream.Regex
}

// setNames follows ngx_stream_core_server_name.
func (c *streamConf) setNames(call *conf.Call) {
	for i := range call.Args() {
		if !c.addName(call, &call.Args()[i]) {
			return
		}
	}
}

func (c *streamConf) addName(call *conf.Call, word *parser.Word) bool {
	text, pattern, ok := readServerName(call, word)
	switch {
	case !ok:
		return false
	case pattern != "":
		return c.addPattern(call, word, pattern)
	}
	c.names = append(c.names, serverName{text: text})
	return true
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

func (c *streamConf) addPattern(call *conf.Call, word *parser.Word, pattern string) bool {
	re, err := configOf(call.Level).Vars.Regex(pattern, hasUpper(pattern))
	if err != nil {
		call.Fail(word, "%s", err)
		return false
	}
	c.names = append(c.names, serverName{text: word.Text, pattern: re})
	return true
}

// serverNames returns the names of a server; without server_name it has one empty name.
func (c *streamConf) serverNames() []serverName {
	if len(c.names) == 0 {
		return []serverName{{}}
	}
	return c.names
}

// firstName is the value of $server_name.
func (c *streamConf) firstName() string { return strings.TrimPrefix(c.serverNames()[0].text, ".") }

// names maps the names to the servers of the address. It is nil for an address with one server,
// unless one of its names is a regular expression, which may have captures. It follows
// ngx_stream_server_names.
func (l *listenAddr) names(c *conf.Compiler, servers map[*conf.Level]*stream.Server) *stream.ServerNames {
	if len(l.servers) == 1 && !conf.At[streamConf](l.primary).hasPattern() {
		return nil
	}
	names := &stream.ServerNames{}
	for _, level := range l.servers {
		for _, n := range conf.At[streamConf](level).serverNames() {
			l.addName(c, names, n, servers[level])
		}
	}
	return names
}

func (c *streamConf) hasPattern() bool {
	for _, n := range c.names {
		if n.pattern != nil {
			return true
		}
	}
	return false
}

func (l *listenAddr) addName(c *conf.Compiler, names *stream.ServerNames, n serverName, server *stream.Server) {
	if n.pattern != nil {
		names.AddPattern(n.pattern, server)
		return
	}
	err := names.Add(n.text, server)
	switch {
	case errors.Is(err, hostname.ErrInvalid):
		c.ReportBare(diag.Emerg, "invalid server name or wildcard \"%s\" on %s", n.text, l.addr)
	case errors.Is(err, hostname.ErrTaken):
		c.ReportBare(diag.Warn, "conflicting server name \"%s\" on %s, ignored", n.text, l.addr)
	}
}
