package relay

import (
	"testing"
	"time"
)

func TestTimersWaitForEventsAfterAPause(t *testing.T) {
	const most = 3
	var a Arrears
	for i, wait := range []struct {
		after time.Duration
		more  bool
		want  bool
	}{
		{time.Millisecond, false, false},
		{time.Hour, false, true}, // the events of this wait may be old
		{time.Millisecond, true, true},
		{time.Millisecond, false, false}, // all events are known
		{time.Millisecond, true, true},   // a full batch
		{time.Millisecond, true, true},
		{time.Millisecond, true, true},
		{time.Millisecond, true, false}, // timers do not starve
		{time.Second, true, true},
		{time.Second, true, true},
		{time.Second, true, true},
		{time.Second, true, false}, // nor in a slow loop
	} {
		a.Woke(a.now+wait.after, wait.more, most)
		if got := a.Any(); got != wait.want {
			t.Fatalf("after wait %d: timers wait %v, want %v", i, got, wait.want)
		}
	}
}
