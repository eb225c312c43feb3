package hostname

import (
	"errors"
	"strings"
	"testing"
)

// TestMap checks that names come before patterns, and patterns in their order.
func TestMap(t *testing.T) {
	var m Map[string, string]
	if got := m.Find("a", nil); got != "" {
		t.Errorf("got %q in an empty map", got)
	}
	for _, name := range []string{"a", "*.a", "b"} {
		if err := m.Add(name, "one"); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Add("c", "two"); err != nil {
		t.Fatal(err)
	}
	if err := m.Add("a", "two"); !errors.Is(err, ErrTaken) {
		t.Errorf("got %v for a name that exists", err)
	}
	for _, pattern := range []string{"a", "x", "xy"} {
		m.AddPattern(&pattern, "~"+pattern)
	}
	for name, want := range map[string]string{
		"a": "one", "s.a": "one", "b": "one", "c": "two", "abc": "~a", "xyz": "~x", "z": "",
	} {
		matches := func(pattern *string) bool { return strings.HasPrefix(name, *pattern) }
		if got := m.Find(name, matches); got != want {
			t.Errorf("got %q for %q, want %q", got, name, want)
		}
	}
}
