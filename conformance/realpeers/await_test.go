package realpeers

import (
	"testing"
	"time"
)

const (
	// patience is the timeout for anything between two local programs. A busy machine may need much of it.
	patience = time.Minute
	// pollInterval is the interval between checks of a condition.
	pollInterval = 5 * time.Millisecond
)

// await polls until holds reports true; on timeout it fails the test and names the condition.
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
			t.Fatalf("timeout after %v: %s", limit, what)
		}
		<-poll.C
	}
}
