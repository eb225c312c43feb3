package testwait

import (
	"testing"
	"time"
)

func TestWithin(t *testing.T) {
	checks := 0
	if !Within(Patience, func() bool { checks++; return checks == 3 }) || checks != 3 {
		t.Errorf("%d checks of a condition that becomes true with the third", checks)
	}
	if Within(time.Nanosecond, func() bool { return false }) {
		t.Error("a condition that is never true was reported as true")
	}
	if !Within(0, func() bool { return true }) {
		t.Error("a condition that is true was reported as false")
	}
}
