package directives

import (
	"strings"

	"weir/directives/conf"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
)

// A serverName is one name of a server; with a pattern, its text is that of the pattern, with the ~ before it.
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
	text := word.Text
	if wrongWildcard(text) {
		call.Fail(word, "server name \"%s\" is invalid", text)
		return false
	}
	if strings.Contains(text, "/") {
		call.Warn(word, "server name \"%s\" has suspicious symbols", text)
	}
	if pattern, ok := strings.CutPrefix(text, "~"); ok {
		return c.addPattern(call, word, pattern)
	}
	if conf.EqualFold(text, "$hostname") {
		text = call.Compiler().Env.Hostname()
	}
	c.names = append(c.names, serverName{text: conf.Lower(text)})
	return true
}

// wrongWildcard reports whether a name begins as a wildcard and is none. What else may be wrong with it is looked for only where
// servers share an address.
func wrongWildcard(text string) bool {
	return strings.HasPrefix(text, "*") && (len(text) < 3 || text[1] != '.') || text == "."
}

// addPattern adds a regular expression, for which case matters unless it has a letter in upper case.
func (c *streamConf) addPattern(call *conf.Call, word *parser.Word, pattern string) bool {
	if pattern == "" {
		call.Fail(word, "empty regex in server name \"%s\"", word.Text)
		return false
	}
	fold := strings.ContainsFunc(pattern, func(r rune) bool { return 'A' <= r && r <= 'Z' })
	re, err := call.Compiler().Config.Vars.Regex(pattern, fold)
	if err != nil {
		call.Fail(word, "%s", err)
		return false
	}
	c.names = append(c.names, serverName{text: word.Text, pattern: re})
	return true
}

// serverNames are the names of a server; without a server_name it has the empty one.
func (c *streamConf) serverNames() []serverName {
	if len(c.names) == 0 {
		return []serverName{{}}
	}
	return c.names
}

// firstName is the name that $server_name stands for.
func (c *streamConf) firstName() string { return strings.TrimPrefix(c.serverNames()[0].text, ".") }

// names leads to the servers of the address by their names. It is nil for an address with one server, unless a regular expression among
// its names may capture something. It follows ngx_stream_server_names.
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
	switch err := names.Add(n.text, server); err {
	case stream.ErrBadName:
		c.ReportBare(diag.Emerg, "%s \"%s\" on %s", err, n.text, l.addr)
	case stream.ErrNameTaken:
		c.ReportBare(diag.Warn, "%s \"%s\" on %s, ignored", err, n.text, l.addr)
	}
}
