package keyval

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A fakeClock is a clock that tests move.
type fakeClock struct{ ms atomic.Int64 }

func (c *fakeClock) now() time.Time { return time.UnixMilli(1_700_000_000_000 + c.ms.Load()) }

func (c *fakeClock) advance(d time.Duration) { c.ms.Add(d.Milliseconds()) }

// newStore returns a Store of 1 MB.
func newStore(t Type, timeout time.Duration) (*Store, *fakeClock) {
	c := &fakeClock{}
	return New(Options{Name: "one", Size: 1 << 20, Type: t, Timeout: timeout, Now: c.now}), c
}

func add(t *testing.T, s *Store, pairs ...Pair) {
	t.Helper()
	for _, p := range pairs {
		if err := s.Add(p); err != nil {
			t.Fatalf("%q: %v", p.Key, err)
		}
	}
}

func wantError(t *testing.T, got error, want *Error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

// listing returns the pairs as text, in their order.
func listing(s *Store) string {
	var b strings.Builder
	for p := range s.All() {
		fmt.Fprintf(&b, "%s=%s ", p.Key, p.Value)
	}
	return strings.TrimSpace(b.String())
}

func wantListing(t *testing.T, s *Store, want string) {
	t.Helper()
	if got := listing(s); got != want {
		t.Errorf("got the pairs %q, want %q", got, want)
	}
}

func TestLookup(t *testing.T) {
	tests := []struct {
		name    string
		kind    Type
		records string
		search  map[string]string // the key and the value found; "" for none
	}{
		{"string", String, "a ab abd b", map[string]string{"a": "a", "ab": "ab", "abc": "", "A": "", "": "", "abd": "abd"}},
		{"no pairs", String, "", map[string]string{"a": "", "": ""}},
		{"prefix", Prefix, "fleet/ fleet/7 fleet/70/x f", map[string]string{
			"fleet/": "fleet/", "fleet/7": "fleet/7", "fleet/70": "fleet/7", "fleet/70/x": "fleet/70/x", "fleet/70/xyz": "fleet/70/x",
			"fleet/8": "fleet/", "fleet": "f", "flu": "f", "x": "", "": "",
		}},
		{"prefix without a common one", Prefix, "ab ac", map[string]string{"a": "", "ab1": "ab", "ad": "", "b": ""}},
		{"prefix that differs in the middle", Prefix, "abcdef abcdeg", map[string]string{"abXdef": "", "abcdefg": "abcdef"}},
		{"ip", IP, "10.0.0.0/8 10.1.0.0/16 10.1.2.3 2001:db8::/32 ::1", map[string]string{
			"10.9.9.9": "10.0.0.0/8", "10.1.9.9": "10.1.0.0/16", "10.1.2.3": "10.1.2.3", "10.1.2.3/32": "10.1.2.3", "10.1.2.0/24": "10.1.0.0/16",
			"10.0.0.0/7": "", "10.0.0.0/8": "10.0.0.0/8", "11.0.0.1": "", "::ffff:10.1.2.3": "10.1.2.3", "2001:db8::7": "2001:db8::/32", "2001:db8::/31": "",
			"::1": "::1", "::": "", "": "", "mqtt": "", "10.1.2": "", "10.1.2.3/33": "", "10.1.2.3/": "", "1.2.3.4/0x8": "", "fe80::1%eth0": "",
		}},
		{"all addresses", IP, "0.0.0.0/0 ::/0", map[string]string{"1.2.3.4": "0.0.0.0/0", "::1": "::/0", "0.0.0.0/0": "0.0.0.0/0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newStore(tt.kind, 0)
			for key := range strings.FieldsSeq(tt.records) {
				add(t, s, Pair{Key: key, Value: key})
			}
			for key, want := range tt.search {
				got, ok := s.Lookup(key)
				if got != want || ok != (want != "") {
					t.Errorf("%q: got %q, %v, want %q", key, got, ok, want)
				}
			}
		})
	}
}

func TestChanges(t *testing.T) {
	s, _ := newStore(String, 0)
	wantError(t, s.Add(), ErrKeyRequired)
	wantError(t, s.Add(Pair{Value: "v"}), ErrKeyRequired)
	if err := s.Add(Pair{Key: "a", Value: "1"}, Pair{Key: "b", Value: "2"}, Pair{Key: "c"}); err != nil {
		t.Fatal(err)
	}
	wantError(t, s.Add(Pair{Key: "a", Value: "2"}), &Error{409, "KeyvalKeyExists", `key "a" already exists`})
	wantError(t, s.Add(Pair{Key: "d"}, Pair{Key: "e"}), ErrOneKeyAdded)
	wantError(t, s.Add(Pair{Key: "d", Expire: 1}), ErrNoTimeout)
	wantError(t, s.UpdateExpire("a", time.Second), ErrNoTimeout)
	wantError(t, s.Update(Pair{Key: "d"}), ErrKeyNotFound)
	wantError(t, s.Delete("d"), ErrKeyNotFound)
	wantError(t, s.Delete(""), ErrKeyRequired)
	wantListing(t, s, "a=1 b=2 c=")
	if err := s.Update(Pair{Key: "a", Value: "3"}); err != nil {
		t.Error(err)
	}
	if err := s.Delete("b"); err != nil {
		t.Error(err)
	}
	wantListing(t, s, "a=3 c=")
	if p, ok := s.Get("a"); !ok || p != (Pair{Key: "a", Value: "3"}) {
		t.Errorf("got %v, %v", p, ok)
	}
	if _, ok := s.Get("b"); ok || s.Len() != 2 {
		t.Errorf("got a pair that was deleted, or %d pairs", s.Len())
	}
	if n := s.Changes(); n != 3 {
		t.Errorf("got %d changes, want 3", n)
	}
	s.Clear()
	wantListing(t, s, "")
	if n := s.Len(); n != 0 {
		t.Errorf("got %d pairs after Clear", n)
	}
}

func TestAddOfSeveralIsAllOrNothing(t *testing.T) {
	s, _ := newStore(IP, 0)
	free := s.Figures().PagesFree
	wantError(t, s.Add(Pair{Key: "10.0.0.1"}, Pair{Key: "x"}), ErrKeyFormat)
	wantError(t, s.Add(Pair{Key: "10.0.0.1"}, Pair{Key: "10.0.0.1/32"}), errKeyExists("10.0.0.1/32"))
	wantError(t, s.Add(Pair{Key: "10.0.0.1"}, Pair{Key: "10.0.0.2", Value: strings.Repeat("x", 2<<20)}), errFull("one"))
	wantListing(t, s, "")
	if got := s.Figures().PagesFree; got != free || s.Changes() != 0 {
		t.Errorf("got %d pages free of %d and %d changes", got, free, s.Changes())
	}
}

func TestTextsOfOneNetworkAreOneKey(t *testing.T) {
	s, _ := newStore(IP, 0)
	add(t, s, Pair{Key: "10.1.2.3/8", Value: "v"})
	wantError(t, s.Add(Pair{Key: "10.0.0.0/8"}), errKeyExists("10.0.0.0/8"))
	wantError(t, s.Add(Pair{Key: "ten"}), ErrKeyFormat)
	wantError(t, s.Update(Pair{Key: "ten"}), ErrKeyNotFound)
	if err := s.Update(Pair{Key: "10.255.0.0/8", Value: "w"}); err != nil {
		t.Error(err)
	}
	wantListing(t, s, "10.1.2.3/8=w")
	if err := s.Delete("10.0.0.0/8"); err != nil || s.Len() != 0 {
		t.Errorf("got %v and %d pairs", err, s.Len())
	}
}

func TestApply(t *testing.T) {
	s, _ := newStore(String, time.Minute)
	add(t, s, Pair{Key: "k", Value: "1"})
	for _, change := range []Change{
		{SetValue, Pair{Key: "k", Value: "2"}}, {SetExpire, Pair{Key: "k", Expire: time.Second}},
	} {
		if err := s.Apply(change); err != nil {
			t.Error(err)
		}
	}
	if p, _ := s.Get("k"); p != (Pair{"k", "2", time.Second}) {
		t.Errorf("got %v", p)
	}
	if err := s.Apply(Change{DeletePair, Pair{Key: "k"}}); err != nil || s.Len() != 0 {
		t.Errorf("got %v and %d pairs", err, s.Len())
	}
}

// fill adds pairs until the zone is full, and returns how many.
func fill(t *testing.T, s *Store, key func(i int) string) int {
	t.Helper()
	for i := 0; ; i++ {
		err := s.Add(Pair{Key: key(i), Value: "value"})
		if err != nil {
			wantError(t, err, &Error{400, "KeyvalOutOfMemory", `keyval "one" memory exhausted`})
			return i
		}
	}
}

func TestFullZone(t *testing.T) {
	tests := []struct {
		kind Type
		key  func(i int) string
		want int
	}{
		{String, func(i int) string { return fmt.Sprint(100000 + i) }, 8128},
		{Prefix, func(i int) string { return fmt.Sprint(100000 + i) }, 5408},
		{IP, func(i int) string { return netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}).String() }, 5408},
	}
	for _, tt := range tests {
		s, c := newStore(tt.kind, time.Minute)
		n := fill(t, s, tt.key)
		if n != tt.want || s.Len() != n {
			t.Errorf("type %d: a zone of 1 MB has room for %d pairs, want %d", tt.kind, n, tt.want)
		}
		if err := s.Update(Pair{Key: tt.key(0), Value: "other"}); err != nil {
			t.Errorf("a value of the same length: %v", err)
		}
		wantError(t, s.Update(Pair{Key: tt.key(0), Value: strings.Repeat("x", 9000)}), errFull("one"))
		if v, _ := s.Lookup(tt.key(0)); v != "other" {
			t.Errorf("got %q after a change that had no room", v)
		}
		if err := s.Delete(tt.key(1)); err != nil {
			t.Error(err)
		}
		add(t, s, Pair{Key: tt.key(n), Value: "value"})
		wantError(t, s.Add(Pair{Key: tt.key(n + 1), Value: "value"}), errFull("one"))
		c.advance(time.Minute)
		add(t, s, Pair{Key: tt.key(n + 1), Value: "value"})
		if got := s.Len(); got != 1 {
			t.Errorf("got %d pairs after all others have expired", got)
		}
	}
}

// TestModel compares each type with a plain map in random changes.
func TestModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		b := make([]byte, rnd.IntN(6)+1)
		for i := range b {
			b[i] = "ab\xff"[rnd.IntN(3)]
		}
		return string(b)
	}
	network := func() string {
		a := netip.AddrFrom4([4]byte{10, byte(rnd.IntN(2)) << 7, byte(rnd.IntN(2)), byte(rnd.IntN(4))})
		p, _ := a.Prefix(8 + rnd.IntN(25))
		return p.String()
	}
	tests := []struct {
		kind    Type
		key     func() string
		matches func(record, key string) bool
	}{
		{String, text, func(r, k string) bool { return r == k }},
		{Prefix, text, func(r, k string) bool { return strings.HasPrefix(k, r) }},
		{IP, network, func(r, k string) bool {
			outer, inner := netip.MustParsePrefix(r), netip.MustParsePrefix(k)
			return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
		}},
	}
	size := func(kind Type, key string) int {
		if kind == IP {
			return netip.MustParsePrefix(key).Bits()
		}
		return len(key)
	}
	for _, tt := range tests {
		s, _ := newStore(tt.kind, 0)
		model := map[string]string{}
		free := s.Figures().PagesFree
		for i := range 20000 {
			key, value := tt.key(), fmt.Sprint(i)
			_, has := model[key]
			switch rnd.IntN(3) {
			case 0:
				if err := s.Add(Pair{Key: key, Value: value}); (err == nil) == has {
					t.Fatalf("add %q: %v", key, err)
				}
				if !has {
					model[key] = value
				}
			case 1:
				if err := s.Update(Pair{Key: key, Value: value}); (err == nil) != has {
					t.Fatalf("update %q: %v", key, err)
				}
				if has {
					model[key] = value
				}
			case 2:
				if err := s.Delete(key); (err == nil) != has {
					t.Fatalf("delete %q: %v", key, err)
				}
				delete(model, key)
			}
			search := tt.key()
			want, best := "", -1
			for r, v := range model {
				if tt.matches(r, search) && size(tt.kind, r) > best {
					want, best = v, size(tt.kind, r)
				}
			}
			if got, ok := s.Lookup(search); got != want || ok != (best >= 0) {
				t.Fatalf("type %d, %q in %v: got %q, want %q", tt.kind, search, model, got, want)
			}
		}
		if got := maps.Collect(pairs(s)); !maps.Equal(got, model) || s.Len() != len(model) {
			t.Errorf("type %d: got %v, want %v", tt.kind, got, model)
		}
		for key := range model {
			if err := s.Delete(key); err != nil {
				t.Error(err)
			}
		}
		if got := s.Figures().PagesFree; got != free || s.Len() != 0 {
			t.Errorf("type %d: %d pages free of %d, %d pairs", tt.kind, got, free, s.Len())
		}
	}
}

func pairs(s *Store) iter.Seq2[string, string] {
	return func(yield func(k, v string) bool) {
		for p := range s.All() {
			if !yield(p.Key, p.Value) {
				return
			}
		}
	}
}

func TestAllIsInOrderAndStops(t *testing.T) {
	for kind, keys := range map[Type]string{String: "a ab b c", Prefix: "a ab b c", IP: "10.0.0.0/8 10.0.0.1 11.0.0.1 ::1"} {
		s, _ := newStore(kind, 0)
		want := strings.Fields(keys)
		for _, k := range slices.Backward(want) {
			add(t, s, Pair{Key: k})
		}
		var got []string
		for p := range s.All() {
			got = append(got, p.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		for range want {
			n := 0
			for range s.All() {
				if n++; n == 2 {
					break
				}
			}
			if n != 2 {
				t.Errorf("got %d pairs after the end", n)
			}
		}
	}
}

// TestConcurrent looks pairs up while they are changed, swept, listed and written.
func TestConcurrent(t *testing.T) {
	for kind, key := range map[Type]string{String: "10.0.0.1", IP: "10.0.0.1", Prefix: "10.0.0."} {
		s, c := newStore(kind, time.Hour)
		add(t, s, Pair{Key: key, Value: "stays"})
		var changing, reading sync.WaitGroup
		done := make(chan struct{})
		for range 2 {
			reading.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					if v, ok := s.Lookup("10.0.0.1"); !ok || v != "stays" {
						t.Errorf("got %q, %v", v, ok)
						return
					}
					s.WriteState(discard{})
				}
			})
		}
		for w := range 3 {
			changing.Go(func() {
				for i := range 500 {
					k := fmt.Sprintf("10.%d.0.%d", w+1, i%50)
					s.Add(Pair{Key: k, Expire: time.Millisecond})
					s.Update(Pair{Key: k, Value: "v", Expire: time.Millisecond * time.Duration(i%3)})
					s.Delete(k)
					s.Add(Pair{Key: k, Expire: time.Millisecond})
					c.advance(time.Millisecond)
					s.Sweep()
				}
			})
		}
		changing.Wait()
		close(done)
		reading.Wait()
		c.advance(time.Second)
		s.Sweep()
		wantListing(t, s, key+"=stays")
		if n := s.Len(); n != 1 {
			t.Errorf("got %d pairs, want 1", n)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func TestLookupDoesNotAllocate(t *testing.T) {
	for kind, key := range map[Type]string{String: "2001:db8::1", IP: "2001:db8::", Prefix: "2001"} {
		s, _ := newStore(kind, time.Hour)
		add(t, s, Pair{Key: key, Value: "v"})
		for _, search := range []string{"2001:db8::1", "", "client-0001"} {
			if n := testing.AllocsPerRun(100, func() { s.Lookup(search) }); n > 0 {
				t.Errorf("type %d, %q: %v allocations", kind, search, n)
			}
		}
	}
}
