package proxy_test

import (
	"strings"
	"testing"

	"weir/stream"
	"weir/stream/modules/proxy"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// TestUnixDestinations checks that a client cannot choose a unix socket, except its name in a
// directory of the configuration.
func TestUnixDestinations(t *testing.T) {
	tests := []struct {
		name, to, client string
		want             string // "" means refused
	}{
		{"of the client's choice", "$client", "unix:/run/engine.sock", ""},
		{"without a directory", "$client", "unix:engine.sock", ""},
		{"behind something empty", "$empty$client", "unix:engine.sock", ""},
		{"by a map of it", "$map", "unix:/run/engine.sock", ""},
		{"a name in a directory", "unix:/run/$client", "a.sock", "unix:/run/a.sock"},
		{"another directory", "unix:/run/$client", "../a.sock", ""},
		{"the directory above", "unix:/run/$client/x", "..", ""},
		{"from the configuration", "$configured", "a", "unix:/run/b.sock"},
		{"a name by a map", "$mapped", "a", "unix:/run/a.sock"},
		{"another directory by a map", "$mapped", "x/a", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := stream.NewConfig()
			c := content(nil)
			c.To = proxy.Destination{Variable: template(t, config, tt.to), Named: map[string]*upstream.Group{}, Parse: parseUnix}
			made := func(name, of string) stream.Variable {
				tpl := template(t, config, of)
				return stream.Variable{
					Name: name, Template: func(*stream.Session) stream.Template { return *tpl },
					Get: func(s *stream.Session) (string, bool) { return tpl.Eval(s), true },
				}
			}
			fixed := func(text string) func(*stream.Session) (string, bool) {
				return func(*stream.Session) (string, bool) { return text, true }
			}
			s := newSession(t, c, config, stream.Variable{Name: "client", Get: fixed(tt.client)}, made("map", "$client"), made("mapped", "unix:/run/$client.sock"),
				stream.Variable{Name: "empty", Configured: true, Get: fixed("")}, stream.Variable{Name: "configured", Configured: true, Get: fixed("unix:/run/b.sock")})
			if tt.want != "" {
				offline.Script(t, s, started+`connect `+tt.want+` out="abcd" within=1m0s`)
				return
			}
			offline.Script(t, s, started+`finish reset`)
			checkStatus(t, s, 500)
			if s.Lines.Count("unix socket path from client data in upstream") != 1 {
				t.Errorf("got log %q", s.Lines.All())
			}
		})
	}
}

// parseUnix is a Parse for unix sockets.
func parseUnix(text string) (proxy.Endpoint, error) {
	return proxy.Endpoint{Text: text, Addr: stream.UnixAddr(strings.TrimPrefix(text, "unix:"))}, nil
}
