package realpeers

import (
	"testing"
	"time"
)

const (
	// patience is how long anything between two local programs may take.
	patience = 15 * time.Second
	// pollInterval is how often a condition is looked at.
	pollInterval = 5 * time.Millisecond
)

// await polls until holds reports true and fails the test, saying what it waited for, when that takes too long.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	awaitWithin(t, patience, what, holds)
}

// awaitWithin is await with a limit of its own.
func awaitWithin(t *testing.T, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(limit)
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain for %s", limit, what)
		}
		<-poll.C
	}
}
