package runtime

import (
	"slices"
	"sync"
	"time"
)

// historySize is the number of reloads that are remembered.
const historySize = 20

// A Reload is one attempt to replace the configuration; the start is the first.
type Reload struct {
	Generation uint64 // of the new configuration; 0 if it was refused
	Time       time.Time
	Took       time.Duration
	Err        string // empty if the new configuration serves
}

// A reloadHistory remembers the last reloads and counts all of them. It is safe for concurrent use.
type reloadHistory struct {
	mu     sync.Mutex
	last   []Reload // oldest first
	served uint64
	failed uint64
}

// note adds a reload.
func (h *reloadHistory) note(r Reload) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.last) == historySize {
		h.last = slices.Delete(h.last, 0, 1)
	}
	h.last = append(h.last, r)
	if r.Err == "" {
		h.served++
	} else {
		h.failed++
	}
}

// reloads returns the last reloads, oldest first, and how many served and failed since the start.
func (h *reloadHistory) reloads() (last []Reload, served, failed uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.last), h.served, h.failed
}
