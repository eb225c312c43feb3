package realpeers

import (
	"slices"
	"sync"
	"testing"

	"weir/conformance/program"
)

// message is one PUBLISH received.
type message struct {
	topic, payload string
	qos            byte
}

// inbox collects messages. Its methods may be called concurrently.
type inbox struct {
	mu       sync.Mutex
	messages []message
}

// add appends m.
func (b *inbox) add(m message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.messages = append(b.messages, m)
}

// has reports whether m has arrived.
func (b *inbox) has(m message) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Contains(b.messages, m)
}

// await waits until m has arrived.
func (b *inbox) await(t *testing.T, m message) {
	t.Helper()
	program.Await(t, "the message "+m.topic+" "+m.payload, func() bool { return b.has(m) })
}
