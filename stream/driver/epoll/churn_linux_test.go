package epoll

import "testing"

func TestBriefSessionsAreCounted(t *testing.T) {
	var c churn
	c.ended(10, 9)
	c.ended(10, 10)
	c.ended(10, 3) // a long session
	for _, now := range []struct {
		second int64
		want   int32
	}{{10, 2}, {11, 2}, {12, 0}} {
		if got := c.brief(now.second); got != now.want {
			t.Errorf("second %d: %d brief sessions, want %d", now.second, got, now.want)
		}
	}
	if calm, storm := lead(32, 0), lead(32, 2000); storm < 2*calm {
		t.Errorf("the lead is %d in a storm and %d without, want a much larger one", storm, calm)
	}
}
