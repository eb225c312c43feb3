package geo

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"weir/stream"
	"weir/stream/offline"
)

// build makes a Geo for the client's address from pairs of words: a network or range, or "default"
// or "delete", and a value.
func build(t testing.TB, byRanges bool, words ...string) (g *Geo, warnings []string) {
	t.Helper()
	b := NewBuilder(Client, func(sentence string) { warnings = append(warnings, sentence) })
	if byRanges {
		if err := b.ByRanges(); err != nil {
			t.Fatal(err)
		}
	}
	for i := 0; i < len(words); i += 2 {
		if err := put(b, words[i], words[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return b.Geo(), warnings
}

func put(b *Builder, key, value string) error {
	text := key
	if key == "delete" {
		text = value
	}
	switch {
	case key == "default":
		b.SetDefault(value)
	case b.IsByRanges():
		var from, to string
		n := slices.Index([]byte(text), '-')
		from, to = text[:n], text[n+1:]
		first, last := netip.MustParseAddr(from), netip.MustParseAddr(to)
		if key != "delete" {
			return b.SetRange(text, first, last, value)
		}
		b.DeleteRange(text, first, last)
	case key == "delete":
		b.DeleteNetwork(text, netip.MustParsePrefix(text))
	default:
		b.SetNetwork(text, netip.MustParsePrefix(text), value)
	}
	return nil
}

// session returns a session of a client at that address; empty means a unix socket.
func session(t testing.TB, ip string) *stream.Session {
	t.Helper()
	s := offline.NewSession(t, &stream.Listen{Config: stream.NewConfig(), Default: &stream.Server{}})
	s.Client.Addr = stream.UnixAddr("")
	if ip != "" {
		s.Client.Addr = stream.Addr{IP: netip.AddrPortFrom(netip.MustParseAddr(ip), 1)}
	}
	return s.Session
}

func TestNetworks(t *testing.T) {
	g, _ := build(t, false, "default", "d", "10.0.0.0/8", "8", "10.1.0.0/16", "16", "10.1.1.1/32", "32", "2001:db8::/32", "six",
		"::ffff:9.9.9.9/128", "never", "255.255.255.255/32", "nobody", "10.2.0.0/16", "gone", "delete", "10.2.0.0/16")
	for ip, want := range map[string]string{
		"10.0.0.1": "8", "10.1.9.9": "16", "10.1.1.1": "32", "::ffff:10.1.1.1": "32", "10.2.0.1": "8", "11.0.0.0": "d", "2001:db8::9": "six",
		"2001:db9::": "d", "9.9.9.9": "d", "::ffff:9.9.9.9": "d", "": "nobody", "2001:db8::1%eth0": "six",
	} {
		if got, found := g.Get(session(t, ip)); got != want || !found {
			t.Errorf("%q: got %q, %v, want %q", ip, got, found, want)
		}
	}
}

func TestRanges(t *testing.T) {
	g, _ := build(t, true, "10.0.0.10-10.0.0.20", "a", "10.0.0.10-10.0.0.11", "start", "10.0.0.15-10.0.0.15", "middle",
		"10.0.0.19-10.0.0.20", "end", "10.1.2.3-10.4.0.0", "wide", "default", "d", "9.0.0.0-9.255.255.255", "late")
	for ip, want := range map[string]string{
		"10.0.0.9": "d", "10.0.0.10": "start", "10.0.0.12": "a", "10.0.0.14": "a", "10.0.0.15": "middle", "10.0.0.16": "a", "10.0.0.20": "end",
		"10.0.0.21": "d", "10.1.2.2": "d", "10.1.2.3": "wide", "10.3.0.0": "wide", "10.4.0.0": "wide", "10.4.0.1": "d", "9.1.1.1": "late",
		"::ffff:10.2.0.0": "wide", "2001:db8::": "d", "": "d",
	} {
		if got, _ := g.Get(session(t, ip)); got != want {
			t.Errorf("%q: got %q, want %q", ip, got, want)
		}
	}
}

func TestEmpty(t *testing.T) {
	for _, byRanges := range []bool{false, true} {
		g, _ := build(t, byRanges)
		for _, ip := range []string{"10.0.0.1", "::1", ""} {
			if got, found := g.Get(session(t, ip)); got != "" || !found {
				t.Errorf("ranges %v, %q: got %q, %v, want an empty value", byRanges, ip, got, found)
			}
		}
	}
}

// TestRemoveRange checks that a removed range is gone, and that removing an unknown range gives a
// warning.
func TestRemoveRange(t *testing.T) {
	g, warnings := build(t, true, "10.0.0.0-10.2.255.255", "a", "delete", "10.0.0.0-10.2.255.255", "delete", "10.0.0.0-10.0.0.1")
	if got, _ := g.Get(session(t, "10.1.0.0")); got != "" {
		t.Errorf("got %q", got)
	}
	if want := []string{`no address range "10.0.0.0-10.0.0.1" to delete`}; !slices.Equal(warnings, want) {
		t.Errorf("got %q, want %q", warnings, want)
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	for _, byRanges := range []bool{false, true} {
		key := "10.0.0.0/8"
		if byRanges {
			key = "10.0.0.0-10.255.255.255"
		}
		g, _ := build(t, byRanges, key, "a")
		s := session(t, "10.0.0.1")
		if n := testing.AllocsPerRun(100, func() { g.Get(s) }); n > 0 {
			t.Errorf("ranges %v: got %.0f allocations", byRanges, n)
		}
	}
}

// FuzzRanges compares the segments with a plain list of addresses in one block and one address
// after it.
func FuzzRanges(f *testing.F) {
	f.Add([]byte{10, 20, 10, 11, 15, 15, 19, 20, 0, 255})
	f.Fuzz(func(t *testing.T, bounds []byte) {
		const base = 0xfffc
		var b rangesBuilder
		var want [256 + 1]number
		for i := 0; i+1 < len(bounds) && i < 40; i += 2 {
			first, last := uint32(bounds[i]), uint32(bounds[i+1])
			if first > last {
				continue
			}
			value := number(i + 1)
			if _, err := b.add(base+first, base+last, value); err != nil {
				return
			}
			for ip := first; ip <= last; ip++ {
				want[ip] = value
			}
		}
		r := b.ranges()
		for ip, value := range want {
			if got, found := r.find(base + uint32(ip)); got != value || found != (value != 0) {
				t.Fatalf("%v: address %d: got %d, %v, want %d", bounds, ip, got, found, value)
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	builder := NewBuilder(Client, func(string) {})
	for i := range uint32(200000) {
		n := i * 2654435761
		ip := netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), 0})
		builder.SetNetwork("", netip.PrefixFrom(ip, 24), fmt.Sprint(i%250))
	}
	g := builder.Geo()
	s := session(b, "10.0.0.1")
	b.Run("any", func(b *testing.B) {
		n := uint32(0)
		for b.Loop() {
			n += 40503
			s.Client.Addr.IP = netip.AddrPortFrom(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), 1)
			g.Get(s)
		}
	})
}
