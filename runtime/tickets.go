package runtime

import (
	"sync"
	"time"

	"weir/internal/tlsconf"
)

// ticketKeys are the keys of TLS session tickets that the process has made, by the time for which the
// tickets are valid. The zero value is ready to use, and safe for concurrent use.
type ticketKeys struct {
	mu  sync.Mutex
	all map[time.Duration]*tlsconf.RandomKeys
}

// keys returns the same keys for the same time.
func (t *ticketKeys) keys(valid time.Duration) tlsconf.TicketKeys {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all == nil {
		t.all = map[time.Duration]*tlsconf.RandomKeys{}
	}
	if t.all[valid] == nil {
		t.all[valid] = tlsconf.NewRandomKeys(valid)
	}
	return t.all[valid]
}
