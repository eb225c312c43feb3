package directives

import (
	"fmt"

	"weir/directives/conf"
	"weir/stream"
	"weir/stream/modules/pass"
)

// passConf is the destination to which a server passes its connections.
type passConf struct {
	addr     stream.Addr
	variable *stream.Template // nil passes to addr
}

// passModule is ngx_stream_pass_module.
var passModule = &streamModule[none, passConf]{
	Name: "ngx_stream_pass_module",
	Server: []conf.Entry[passConf]{
		{Name: "pass", In: conf.Server, Args: conf.Take(1), Set: (*passConf).set},
	},
}

// set follows ngx_stream_pass.
func (c *passConf) set(call *conf.Call) {
	serveBy(call, c.content)
	word := &call.Args()[0]
	t, ok := parseTemplate(call, word)
	if !ok {
		return
	}
	if t.HasVariables() {
		c.variable = &t
		return
	}
	a, err := conf.ParseUpstream(word.Text)
	switch {
	case err != nil:
		call.Fail(word, "%s in \"%s\" of the \"pass\" directive", err, word.Text)
	case !hasAddress(a):
		call.FailValue("has no addresses")
	case a.NoPort:
		call.FailValue("has no port")
	default:
		c.addr = socketAddr(a)
	}
}

func (c *passConf) content(*serverBuild) stream.Content {
	return &pass.Content{Addr: c.addr, Variable: c.variable, Parse: parsePassed}
}

// parsePassed parses the result of a pass with variables. It follows ngx_stream_pass_handler.
func parsePassed(text string) (stream.Addr, error) {
	a, err := conf.ParseUpstream(text)
	switch {
	case err != nil:
		return stream.Addr{}, fmt.Errorf("%w in pass \"%s\"", err, text)
	case !hasAddress(a):
		return stream.Addr{}, fmt.Errorf("no addresses in pass \"%s\"", text)
	case a.NoPort:
		return stream.Addr{}, fmt.Errorf("no port in pass \"%s\"", text)
	}
	return socketAddr(a), nil
}

// hasAddress reports whether a needs no lookup.
func hasAddress(a conf.Address) bool { return a.IsUnix || a.IP.IsValid() }

// socketAddr returns the address of a; hasAddress must be true for it.
func socketAddr(a conf.Address) stream.Addr {
	addrs, _ := a.Resolve(nil)
	return addrs[0]
}
