package stream

import (
	"testing"
	"time"
)

func TestSecondOf(t *testing.T) {
	east := time.FixedZone("east", 2*3600+30*60)
	at := time.Date(2026, 2, 3, 4, 5, 6, 999, time.UTC)
	for _, c := range []struct {
		name           string
		at             time.Time
		local, iso8601 string
	}{
		{"first", at, "03/Feb/2026:04:05:06 +0000", "2026-02-03T04:05:06+00:00"},
		{"same second", at.Add(time.Millisecond), "03/Feb/2026:04:05:06 +0000", "2026-02-03T04:05:06+00:00"},
		{"other zone", at.In(east), "03/Feb/2026:06:35:06 +0230", "2026-02-03T06:35:06+02:30"},
		{"next second", at.Add(time.Second), "03/Feb/2026:04:05:07 +0000", "2026-02-03T04:05:07+00:00"},
		{"set back", at, "03/Feb/2026:04:05:06 +0000", "2026-02-03T04:05:06+00:00"},
	} {
		if s := secondOf(c.at); s.local != c.local || s.iso8601 != c.iso8601 {
			t.Errorf("%s: got %q, %q; want %q, %q", c.name, s.local, s.iso8601, c.local, c.iso8601)
		}
	}
	if n := testing.AllocsPerRun(100, func() { secondOf(at) }); n != 0 {
		t.Errorf("%v allocations for a second that is known", n)
	}
}
