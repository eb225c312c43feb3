package proxy_test

import (
	"testing"

	"weir/stream"
	"weir/stream/modules/proxy"
	"weir/stream/offline"
)

// TestPanicGivesTheServerBack checks that a session that ends with a panic, at any point, releases
// its server.
func TestPanicGivesTheServerBack(t *testing.T) {
	begin := started + `connect 127.0.0.1:7001 out="abcd" within=1m0s`
	tests := []struct {
		name   string
		script string
		change func(*proxy.Content, *stream.Template)
		logger bool
	}{
		{"once connected", begin + `
			connected -> finish reset`, func(c *proxy.Content, bug *stream.Template) { c.Upload.Variable = bug }, false},
		{"while logging", begin + `
			connected -> relay
			relayed client-EOF -> finish reset`, nil, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			config := stream.NewConfig()
			c := content(group(1))
			if tt.change != nil {
				tt.change(c, template(t, config, "$bug"))
			}
			s := newSession(t, c, config, stream.Variable{Name: "bug", Get: func(*stream.Session) (string, bool) { panic("a bug") }})
			if tt.logger {
				s.Server.Loggers = append(s.Server.Loggers, bug{})
			}
			offline.Script(t, s, tt.script)
			checkStatus(t, s, stream.StatusInternal)
			checkIdle(t, c.To.Group)
			if n := s.Lines.Count("panic: a bug"); n != 1 {
				t.Errorf("%d panics are logged, want 1: %q", n, s.Lines.All())
			}
		})
	}
}

// bug is a logger that panics.
type bug struct{}

// Log panics.
func (bug) Log(*stream.Session) { panic("a bug") }
