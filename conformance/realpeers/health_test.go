package realpeers

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"weir/conformance/program"
)

// TestHealthChecks lets weir check real brokers as an MQTT client. Each accepts the check, which
// leaves with a DISCONNECT, in both versions of the protocol if the broker has both.
func TestHealthChecks(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		start  func(*testing.T) *broker
		header string
		checks []string
	}{
		{"mosquitto", startMosquitto, "off", []string{"check4", "check5"}},
		{"mochi", startMochi, "on", []string{"check4", "check5"}},
		{"rabbitmq", startRabbitMQ, "v2", []string{"check4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := tt.start(t)
			f := &front{addr: freeAddr(t)}
			f.run(t, checking(f.addr, tt.header, b.addr))
			for _, id := range tt.checks {
				program.Await(t, "the check "+id+" to leave", func() bool {
					all := b.record.of(id)
					return len(all) > 0 && all[0].left && all[0].clean
				})
			}
			f.awaitLine(t, `peer is healthy while checking response, health check "" of peer `+regexp.QuoteMeta(b.addr))
		})
	}
}

// checking returns a configuration that checks one broker with MQTT 3.1.1 and 5.0.
func checking(listen, header, broker string) string {
	return fmt.Sprintf(`error_log logs/error.log info;
events { }
stream {
    upstream brokers { zone brokers 64k; server %s; }
    server {
        listen %s;
        proxy_pass brokers;
        proxy_protocol %s;
        health_check mandatory type=mqtt client_id=check4;
        health_check mandatory type=mqtt version=5 client_id=check5 user=check password=secret;
    }
}
`, broker, listen, header)
}

// awaitLine waits until a line of the error log matches.
func (f *front) awaitLine(t *testing.T, pattern string) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	program.Await(t, "a line that matches "+pattern, func() bool {
		text, err := os.ReadFile(f.log("error.log"))
		return err == nil && re.MatchString(strings.TrimSpace(string(text)))
	})
}
