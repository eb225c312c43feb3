package hostname

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestAdd(t *testing.T) {
	tests := []struct {
		names string
		want  error // of the last name
	}{
		{"a.b", nil},
		{"a b", nil},
		{"a a", ErrTaken},
		{"a A", ErrTaken},
		{"*.a *.a", ErrTaken},
		{"*.a a", nil},
		{"*.a .a", ErrTaken},
		{"*.a .a A", ErrTaken},
		{".a a", ErrTaken},
		{"a .a", ErrTaken},
		{"a .a *.a", nil},
		{".a *.a", ErrTaken},
		{"a.* a.*", ErrTaken},
		{"a.* *.a", nil},
		{"a*", ErrInvalid},
		{"a.*.b", ErrInvalid},
		{"*.a.*", ErrInvalid},
		{"a*.b", ErrInvalid},
		{"a..b", ErrInvalid},
		{"a\x00", ErrInvalid},
		{"*", ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.names, func(t *testing.T) {
			var table Table
			var err error
			for i, name := range strings.Fields(tt.names) {
				err = table.Add(name, uint32(i))
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	var table Table
	if table.Add("", 0) != nil || !errors.Is(table.Add("", 0), ErrTaken) {
		t.Error("the empty name is not one like others")
	}
}

// TestReserved checks that a name whose wildcard was taken is not found, and cannot be added.
func TestReserved(t *testing.T) {
	var table Table
	for i, name := range []string{"*.a.b", ".a.b"} {
		table.Add(name, uint32(i))
	}
	if n, ok := table.Find("a.b"); ok {
		t.Errorf("got %d for the reserved name", n)
	}
	if n, ok := table.Find("x.a.b"); !ok || n != 0 {
		t.Errorf("got %d, %v for the wildcard, want 0", n, ok)
	}
	if err := table.AddText("A.b", 2); !errors.Is(err, ErrTaken) {
		t.Errorf("got %v, want %v", err, ErrTaken)
	}
}

func TestAddText(t *testing.T) {
	var table Table
	if err := table.AddText("*.a", 7); err != nil {
		t.Fatal(err)
	}
	if n, ok := table.Find("*.A"); !ok || n != 7 {
		t.Errorf("got %d, %v for the text, want 7", n, ok)
	}
	if _, ok := table.Find("x.a"); ok {
		t.Error("a text is a wildcard")
	}
}

func TestNormalize(t *testing.T) {
	tests := []struct {
		text, want string
		ok         bool
	}{
		{"Example.COM", "example.com", true},
		{"example.com.", "example.com", true},
		{"example.com:443", "example.com", true},
		{"example.com.:443", "example.com", true},
		{"[::1]:80", "[::1]", true},
		{"[::1", "", false},
		{"*.example", "*.example", true},
		{"", "", false},
		{".", "", false},
		{":1", "", false},
		{"a..b", "", false},
		{"a b", "", false},
		{"a/b", "", false},
		{"a\x7f", "", false},
		{"a\x00", "", false},
	}
	for _, tt := range tests {
		if got, ok := Normalize(tt.text); got != tt.want || ok != tt.ok {
			t.Errorf("Normalize(%q) = %q, %v; want %q, %v", tt.text, got, ok, tt.want, tt.ok)
		}
	}
}

func TestFindAllocatesNothing(t *testing.T) {
	var table Table
	for i, name := range []string{"a.b", "*.b", "c.*"} {
		table.Add(name, uint32(i))
	}
	for _, name := range []string{"A.b", "x.b", "c.x", "none"} {
		if n := testing.AllocsPerRun(100, func() { table.Find(name) }); n > 0 {
			t.Errorf("%q: got %.0f allocations", name, n)
		}
	}
}

// plain is a Table as a list: it tries each name, and prefers exact names, then the longest wildcard
// at the beginning, then the longest at the end.
type plain []string

func (p plain) find(name string) (best int) {
	best, bestRank := -1, 0
	for i, n := range p {
		if r := rank(strings.ToLower(n), strings.ToLower(name)); r > bestRank {
			best, bestRank = i, r
		}
	}
	return best
}

// rank returns how well a name or wildcard fits, or 0 if it does not.
func rank(n, name string) int {
	const exact, head = 1 << 20, 1 << 10
	switch {
	case n == name:
		return exact
	case strings.HasPrefix(n, "*.") && strings.HasSuffix(name, n[1:]):
		return head + len(n)
	case strings.HasSuffix(n, ".*") && strings.HasPrefix(name, n[:len(n)-1]):
		return len(n)
	}
	return 0
}

// FuzzFind compares lookups with those of a plain list.
func FuzzFind(f *testing.F) {
	f.Add("a.b *.b *.c.b c.* c.d.* x", "e.c.b")
	f.Add("*.a a.*", ".a.")
	f.Add("A", "a")
	f.Fuzz(func(t *testing.T, names, text string) {
		var table Table
		var list plain
		for name := range strings.FieldsSeq(names) {
			if strings.ContainsFunc(name, func(c rune) bool { return c >= 0x80 }) || strings.HasPrefix(name, ".") {
				continue
			}
			if table.Add(name, uint32(len(list))) == nil {
				list = append(list, name)
			}
		}
		name, ok := Normalize(text)
		if !ok || strings.Contains(name, "*") {
			return
		}
		want := list.find(name)
		got, found := table.Find(name)
		if found != (want >= 0) || found && int(got) != want {
			t.Errorf("%q in %q: got %d, %v; want %d", name, list, got, found, want)
		}
	})
}

// BenchmarkFind looks up names among two thousand: an exact one, one of a wildcard, and none.
func BenchmarkFind(b *testing.B) {
	var table Table
	for i := range uint32(1000) {
		table.Add(fmt.Sprintf("broker%d.example.com", i), i)
		table.Add(fmt.Sprintf("*.site%d.example.com", i), i)
	}
	for _, name := range []string{"broker500.example.com", "a.b.site500.example.com", "none.example.org"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				table.Find(name)
			}
		})
	}
}
