package directives

import (
	"strings"

	"weir/directives/conf"
	"weir/parser"
	"weir/web"
)

// A webName is one name of a server; if it has a pattern, the text is the pattern with the ~ before it.
type webName struct {
	text    string
	pattern *web.Regex
}

// setNames follows ngx_http_core_server_name.
func (c *httpServer) setNames(call *conf.Call) {
	for i := range call.Args() {
		if !c.addName(call, &call.Args()[i]) {
			return
		}
	}
}

func (c *httpServer) addName(call *conf.Call, word *parser.Word) bool {
	text, pattern, ok := readServerName(call, word)
	switch {
	case !ok:
		return false
	case pattern != "":
		re := parseWebRegex(call, word, pattern, hasUpper(pattern))
		c.names = append(c.names, webName{word.Text, re})
		return re != nil
	}
	c.names = append(c.names, webName{text: text})
	return true
}

// serverNames returns the names of a server; without server_name it has one empty name.
func (c *httpServer) serverNames() []webName {
	if len(c.names) == 0 {
		return []webName{{}}
	}
	return c.names
}

// firstName is the value of $server_name.
func (c *httpServer) firstName() string { return strings.TrimPrefix(c.serverNames()[0].text, ".") }

func (c *httpServer) hasPattern() bool {
	for _, n := range c.names {
		if n.pattern != nil {
			return true
		}
	}
	return false
}
