// Package testwait lets tests wait for conditions.
package testwait

import (
	"testing"
	"time"
)

// Patience limits the wait for something that should happen at once. A busy machine may need much of it.
const Patience = time.Minute

// interval is the time between two checks of a condition.
const interval = time.Millisecond

// Eventually waits until a condition is true. It fails the test after Patience; what names the condition.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	if !Within(Patience, condition) {
		t.Fatalf("timeout after %v: %s", Patience, what)
	}
}

// Within waits until a condition is true, and reports whether it was within the limit.
func Within(limit time.Duration, condition func() bool) bool {
	for end := time.Now().Add(limit); !condition(); time.Sleep(interval) {
		if time.Now().After(end) {
			return false
		}
	}
	return true
}
