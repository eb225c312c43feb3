package nummap

import (
	"testing"

	"weir/stream"
)

func build(t testing.TB, words ...string) *Map {
	t.Helper()
	m := New(stream.Template{})
	for i := 0; i < len(words); i += 2 {
		if err := m.Add(words[i], words[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestValue(t *testing.T) {
	documented := build(t, "default", "0", "80", "1", "443", "1", "<=1023", "0", "8080-8090", "1")
	overlapping := build(t, "10-20", "a", "15-30", "b", "<=40", "c", "12", "n", "5-5", "f", "5", "e", "0-100", "d")
	tests := []struct {
		name, text string
		m          *Map
		want       string
	}{
		{"number", "80", documented, "1"},
		{"leading zeros", "0080", documented, "1"},
		{"at most", "1023", documented, "0"},
		{"first of a range", "8080", documented, "1"},
		{"last of a range", "8090", documented, "1"},
		{"beyond", "8091", documented, "0"},
		{"no number", "http", documented, "0"},
		{"negative", "-1", documented, "0"},
		{"first range", "16", overlapping, "a"},
		{"behind it", "21", overlapping, "b"},
		{"around both", "31", overlapping, "c"},
		{"before both", "9", overlapping, "c"},
		{"number within ranges", "12", overlapping, "n"},
		{"number before a range of one", "5", overlapping, "e"},
		{"last range", "41", overlapping, "d"},
		{"nothing", "101", overlapping, ""},
		{"empty", "", overlapping, ""},
		{"too large", "99999999999999999999999", overlapping, ""},
		{"largest", "9223372036854775807", build(t, "9223372036854775807", "max"), "max"},
		{"range to the largest", "9223372036854775807", build(t, "1-9223372036854775807", "max", "0-9223372036854775807", "x"), "max"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.m.value(tt.text); got != tt.want {
				t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestValueAllocatesNothing(t *testing.T) {
	m := build(t, "default", "0", "80", "1", "<=1023", "0")
	for _, text := range []string{"80", "1022", "99999999999999999999", "none"} {
		if n := testing.AllocsPerRun(100, func() { m.value(text) }); n > 0 {
			t.Errorf("%q: got %.0f allocations", text, n)
		}
	}
}

// FuzzValue compares lookups with a plain search in file order.
func FuzzValue(f *testing.F) {
	f.Add([]byte{10, 20, 15, 30, 0, 40, 12, 12})
	f.Fuzz(func(t *testing.T, bounds []byte) {
		m := New(stream.Template{})
		var want [256]string
		for i := 0; i+1 < len(bounds) && i < 40; i += 2 {
			s := span{uint64(bounds[i]), uint64(bounds[i+1]), string(rune('a' + i))}
			if s.first > s.last {
				continue
			}
			m.addRange(s)
			for n := s.first; n <= s.last; n++ {
				if want[n] == "" {
					want[n] = s.value
				}
			}
		}
		for n, value := range want {
			got := ""
			if i, found := search(m.ranges, uint64(n)); found {
				got = m.ranges[i].value
			}
			if got != value {
				t.Fatalf("%v: %d: got %q, want %q", bounds, n, got, value)
			}
		}
	})
}
