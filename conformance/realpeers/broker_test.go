package realpeers

import (
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
)

// broker is one running MQTT broker.
type broker struct {
	name     string
	addr     string
	tlsAddr  string // of its listener with TLS and the shared credentials; empty if it has none
	proxied  bool   // requires a PROXY header, and so knows the clients' own addresses
	record   *record
	observer *observer // connects to the broker directly, not through weir
}

// newBroker returns a broker that listens, with an observer.
func newBroker(t *testing.T, name, addr string, proxied bool, r *record) *broker {
	t.Helper()
	b := &broker{name: name, addr: addr, proxied: proxied, record: r}
	b.observer = observe(t, addr, proxied)
	return b
}

// headerTimeout is how long an embedded broker waits for the PROXY header.
const headerTimeout = 2 * time.Second

// requireHeader is the policy of a listener that rejects connections without a PROXY header.
func requireHeader(proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
	return proxyproto.REQUIRE, nil
}
