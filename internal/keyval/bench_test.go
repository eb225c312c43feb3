package keyval

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"
)

// million is the number of pairs in a benchmark.
const million = 1_000_000

// benchKeys are keys for each type, and the search key of each.
var benchKeys = []struct {
	name   string
	kind   Type
	key    func(i int) string
	search func(i int) string
}{
	{"string", String, deviceKey, deviceKey},
	{"prefix", Prefix, deviceKey, func(i int) string { return deviceKey(i) + "/telemetry" }},
	{"ip", IP, func(i int) string { return address(i).String() + "/32" }, func(i int) string { return address(i).String() }},
}

func deviceKey(i int) string { return fmt.Sprintf("device-%07d", i*7%million) }

func address(i int) netip.Addr {
	n := uint32(i) * 2654435761
	return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
}

// benchStore returns a Store with a million pairs, which were restored from a state.
func benchStore(b *testing.B, kind Type, key func(i int) string) *Store {
	b.Helper()
	var state strings.Builder
	for i := range million {
		state.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
		fmt.Fprintf(&state, "%q:\"10.0.%d.%d:1883\"", key(i), i>>8&0xff, i&0xff)
	}
	state.WriteString("}")
	s := New(Options{Name: "one", Size: 1 << 30, Type: kind, Timeout: time.Hour, Now: time.Now})
	if err := s.Restore([]byte(state.String())); err != nil {
		b.Fatal(err)
	}
	return s
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkLookup looks up one of a million pairs at random. It also reports the memory of a pair with
// its key and its value.
func BenchmarkLookup(b *testing.B) {
	for _, bb := range benchKeys {
		b.Run(bb.name, func(b *testing.B) {
			before := heap()
			s := benchStore(b, bb.kind, bb.key)
			perPair := float64(heap()-before) / million
			var searches [1 << 16]string
			for i := range searches {
				searches[i] = bb.search(rand.IntN(million))
			}
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, ok := s.Lookup(searches[i&(len(searches)-1)]); !ok {
					b.Fatal("not found")
				}
				i++
			}
			b.ReportMetric(perPair, "B/pair")
		})
	}
}

// BenchmarkUpdate changes one of a million pairs.
func BenchmarkUpdate(b *testing.B) {
	for _, bb := range benchKeys {
		b.Run(bb.name, func(b *testing.B) {
			s := benchStore(b, bb.kind, bb.key)
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if err := s.Update(Pair{Key: bb.key(i % million), Value: "10.0.0.1:1883"}); err != nil {
					b.Fatal(err)
				}
				i++
			}
		})
	}
}

// BenchmarkState writes a million pairs.
func BenchmarkState(b *testing.B) {
	for _, bb := range benchKeys {
		b.Run(bb.name, func(b *testing.B) {
			s := benchStore(b, bb.kind, bb.key)
			for b.Loop() {
				if err := s.WriteState(discard{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkSweep looks at a million pairs, none of which has expired.
func BenchmarkSweep(b *testing.B) {
	s := benchStore(b, String, deviceKey)
	for b.Loop() {
		s.first = 0
		s.Sweep()
	}
}
