package keyval

import (
	"net/netip"
	"testing"
	"time"
)

func TestTimeout(t *testing.T) {
	for _, kind := range []Type{String, IP, Prefix} {
		s, c := newStore(kind, time.Second)
		add(t, s, Pair{Key: "10.0.0.0", Value: "a"}, Pair{Key: "10.0.0.1", Value: "b", Expire: 3 * time.Second}, Pair{Key: "10.0.0.2", Value: "c"})
		c.advance(999 * time.Millisecond)
		wantListing(t, s, "10.0.0.0=a 10.0.0.1=b 10.0.0.2=c")
		if err := s.UpdateExpire("10.0.0.2", 0); err != nil {
			t.Error(err)
		}
		c.advance(time.Millisecond)
		wantListing(t, s, "10.0.0.1=b 10.0.0.2=c")
		if v, ok := s.Lookup("10.0.0.0"); ok {
			t.Errorf("found %q, which has expired", v)
		}
		wantError(t, s.Update(Pair{Key: "10.0.0.0"}), ErrKeyNotFound)
		add(t, s, Pair{Key: "10.0.0.0", Value: "again"})
		if n := s.Len(); n != 3 {
			t.Errorf("got %d pairs, want 3", n)
		}
		if p, _ := s.Get("10.0.0.1"); p.Expire != 2*time.Second {
			t.Errorf("got %v left of 2 seconds", p.Expire)
		}
		c.advance(time.Hour)
		wantListing(t, s, "")
	}
}

// TestChangeStartsTimeoutAgain checks that a pair lives for the timeout after its last change.
func TestChangeStartsTimeoutAgain(t *testing.T) {
	s, c := newStore(String, time.Second)
	add(t, s, Pair{Key: "changed", Value: "1"}, Pair{Key: "left", Value: "1"})
	c.advance(600 * time.Millisecond)
	if err := s.Update(Pair{Key: "changed", Value: "2"}); err != nil {
		t.Fatal(err)
	}
	c.advance(999 * time.Millisecond)
	wantListing(t, s, "changed=2")
	c.advance(time.Millisecond)
	wantListing(t, s, "")
}

func TestNewTimeoutIsForLaterChanges(t *testing.T) {
	s, c := newStore(String, 0)
	add(t, s, Pair{Key: "ever"})
	s.SetTimeout(time.Second)
	add(t, s, Pair{Key: "second"})
	s.SetTimeout(0)
	add(t, s, Pair{Key: "ever2"})
	c.advance(time.Hour)
	wantListing(t, s, "ever= ever2=")
}

// TestExpiredRecordsDoNotHideOthers expires the best match, after which the next one is found.
func TestExpiredRecordsDoNotHideOthers(t *testing.T) {
	tests := []struct {
		kind         Type
		wide, narrow string
		key          string
	}{{Prefix, "f", "fleet", "fleet/7"}, {IP, "10.0.0.0/8", "10.1.0.0/16", "10.1.2.3"}, {IP, "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24"}}
	for _, tt := range tests {
		s, c := newStore(tt.kind, time.Hour)
		add(t, s, Pair{Key: tt.wide, Value: "wide"}, Pair{Key: tt.narrow, Value: "narrow", Expire: time.Second})
		if v, _ := s.Lookup(tt.key); v != "narrow" {
			t.Errorf("got %q", v)
		}
		c.advance(time.Second)
		if v, _ := s.Lookup(tt.key); v != "wide" {
			t.Errorf("got %q after the narrow record has expired", v)
		}
		c.advance(time.Hour)
		if v, ok := s.Lookup(tt.key); ok {
			t.Errorf("got %q after all have expired", v)
		}
	}
}

func TestSweep(t *testing.T) {
	for _, kind := range []Type{String, IP, Prefix} {
		s, c := newStore(kind, time.Minute)
		free := s.Figures().PagesFree
		for i := range 3 * sweepBatch {
			add(t, s, Pair{Key: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String(), Expire: time.Duration(1+i%2) * time.Second})
		}
		if s.Sweep() {
			t.Error("a pair was removed before its time")
		}
		for _, left := range []int{3 * sweepBatch / 2, 0} {
			c.advance(time.Second)
			changes := s.Changes()
			if !s.Sweep() || s.Len() != left || s.Changes() != changes {
				t.Errorf("%d pairs are left, want %d; %d changes", s.Len(), left, s.Changes()-changes)
			}
		}
		if got := s.Figures().PagesFree; got != free {
			t.Errorf("%d pages are free of %d", got, free)
		}
	}
}
