package keyval

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func stateOf(t *testing.T, s *Store) string {
	t.Helper()
	var b bytes.Buffer
	if err := s.WriteState(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestState(t *testing.T) {
	s, _ := newStore(String, 0)
	if got := stateOf(t, s); got != "{\n}\n" {
		t.Errorf("got %q", got)
	}
	add(t, s, Pair{Key: "b", Value: "\"\\\x1f<é"}, Pair{Key: "a", Value: "1"})
	want := "{\n\"a\":\"1\",\n\"b\":\"\\\"\\\\\\u001f<é\"\n}\n"
	if got := stateOf(t, s); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	other, _ := newStore(Prefix, 0)
	if err := other.Restore([]byte(want)); err != nil {
		t.Fatal(err)
	}
	if listing(other) != listing(s) || other.Changes() != 0 || other.Len() != 2 {
		t.Errorf("got %q with %d changes", listing(other), other.Changes())
	}
}

func TestStateKeepsTimes(t *testing.T) {
	s, c := newStore(String, time.Minute)
	add(t, s, Pair{Key: "a", Value: "1"}, Pair{Key: "b", Expire: time.Second}, Pair{Key: "c", Expire: 2 * time.Second})
	c.advance(time.Second)
	state := stateOf(t, s)
	want := "{\n\"a\":{\"value\":\"1\",\"expires\":1700000060000},\n\"c\":{\"value\":\"\",\"expires\":1700000002000}\n}\n"
	if state != want {
		t.Errorf("got %q, want %q", state, want)
	}
	c.advance(time.Second)
	other := New(Options{Size: 1 << 20, Timeout: time.Hour, Now: c.now})
	if err := other.Restore([]byte(state)); err != nil {
		t.Fatal(err)
	}
	wantListing(t, other, "a=1")
	if p, _ := other.Get("a"); p.Expire != 58*time.Second {
		t.Errorf("got %v left of 58 seconds", p.Expire)
	}
	if n := other.Len(); n != 1 {
		t.Errorf("got %d pairs, want 1", n)
	}
}

func TestPairsOfAStateWithoutTimesGetTheTimeout(t *testing.T) {
	s, _ := newStore(String, time.Minute)
	if err := s.Restore([]byte(`{"a":"1"}`)); err != nil {
		t.Fatal(err)
	}
	if p, _ := s.Get("a"); p.Expire != time.Minute {
		t.Errorf("got %v", p.Expire)
	}
}

func TestRestoreErrors(t *testing.T) {
	tests := []struct {
		name, state string
		kind        Type
		line        int
		text        string
	}{
		{"half a file", "{\n\"a\":\"1\",\n\"b\":", String, 3, "json error"},
		{"no end", "{\n\"a\":\"1\"", String, 2, "json error"},
		{"more than one object", "{}\n{}", String, 2, "json error"},
		{"not an object", "[]", String, 1, "invalid JSON"},
		{"binary", "{\n\"a\":\n\"\xff\"}", String, 3, "invalid UTF-8"},
		{"zeros", "\x00\x00", String, 1, "json error"},
		{"an empty key", "{\n\"\":\"1\"}", String, 2, "key required"},
		{"a key twice", "{\n\"a\":\"1\",\n\"a\":\"2\"}", String, 3, `duplicate key "a"`},
		{"no value", "{\n\"a\":null}", String, 2, "invalid JSON"},
		{"a duration", `{"a":{"value":"1","expire":5}}`, String, 1, "invalid JSON"},
		{"nested", `{"a":[["b"]]}`, String, 1, "nested object or list"},
		{"no address", "{\n\"10.0.0.1\":\"1\",\n\"mqtt\":\"2\"}", IP, 3, `invalid key format "mqtt"`},
		{"too much", `{"a":"` + strings.Repeat("x", 2<<20) + `"}`, String, 1, `keyval "one" memory exhausted`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := newStore(tt.kind, time.Minute)
			free := s.Figures().PagesFree
			err := s.Restore([]byte(tt.state))
			var at *StateError
			if !errors.As(err, &at) || at.Line != tt.line || at.Error() != tt.text {
				t.Errorf("got %#v, %v, want line %d, %q", err, err, tt.line, tt.text)
			}
			if s.Len() != 0 || s.Figures().PagesFree != free {
				t.Error("a part of the state was applied")
			}
		})
	}
}

func TestEmptyState(t *testing.T) {
	s, _ := newStore(String, 0)
	for _, state := range []string{"", "{}", " {\n} "} {
		if err := s.Restore([]byte(state)); err != nil || s.Len() != 0 {
			t.Errorf("%q: got %v and %d pairs", state, err, s.Len())
		}
	}
}

type failingWriter struct{ left int }

func (w *failingWriter) Write(p []byte) (int, error) {
	if w.left--; w.left < 0 {
		return 0, errors.New("disk full")
	}
	return len(p), nil
}

func TestWriteStateReportsErrors(t *testing.T) {
	s, _ := newStore(String, 0)
	add(t, s, Pair{Key: "a"})
	for writes := range 2 {
		if err := s.WriteState(&failingWriter{writes}); err == nil {
			t.Errorf("no error after %d writes", writes)
		}
	}
}

func TestInherit(t *testing.T) {
	old, c := newStore(String, time.Minute)
	add(t, old, Pair{Key: "10.0.0.1", Value: "a"}, Pair{Key: "10.0.0.2", Expire: time.Second})
	c.advance(time.Second)
	s := New(Options{Name: "one", Size: 1 << 20, Type: IP, Now: c.now})
	if err := s.Inherit(old); err != nil {
		t.Fatal(err)
	}
	wantListing(t, s, "10.0.0.1=a")
	if p, _ := s.Get("10.0.0.1"); p.Expire != 59*time.Second {
		t.Errorf("got %v left of 59 seconds", p.Expire)
	}
	add(t, old, Pair{Key: "mqtt"})
	s = New(Options{Name: "one", Size: 1 << 20, Type: IP, Now: c.now})
	free := s.Figures().PagesFree
	if err := s.Inherit(old); !errors.Is(err, ErrKeyFormat) || s.Len() != 0 || s.Figures().PagesFree != free {
		t.Errorf("got %v and %d pairs", err, s.Len())
	}
}

// FuzzState restores states. One that is accepted is JSON, and is the same after it was written.
func FuzzState(f *testing.F) {
	for _, s := range []string{
		"", "{}", "{\n\"a\":\"1\",\n\"b\":{\"value\":\"2\",\"expires\":1700000060000}\n}\n", `{"a":{"value":"1","expires":1}}`, "{\n\"a\":",
		`{"10.0.0.0/8":"x","10.1.2.3/8":"y"}`, "{\"a\":\"\xff\"}", `{"a":[[[]]]}`, `{"a":1e999}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, state []byte) {
		for _, kind := range []Type{String, IP, Prefix} {
			s, _ := newStore(kind, time.Minute)
			free := s.Figures().PagesFree
			if err := s.Restore(state); err != nil {
				var at *StateError
				if !errors.As(err, &at) || at.Line < 1 || s.Len() != 0 || s.Figures().PagesFree != free {
					t.Fatalf("got %#v, and %d pairs", err, s.Len())
				}
				continue
			}
			if len(state) > 0 && !json.Valid(state) {
				t.Fatalf("%q was accepted", state)
			}
			written := stateOf(t, s)
			again, _ := newStore(kind, time.Minute)
			if err := again.Restore([]byte(written)); err != nil || stateOf(t, again) != written {
				t.Fatalf("%q was written as %q: %v", state, written, err)
			}
		}
	})
}

func TestAppendString(t *testing.T) {
	var all []byte
	for i := range 128 {
		all = append(all, byte(i))
	}
	for _, want := range []string{"", "é€😀", string(all)} {
		b := AppendString(nil, want)
		var got string
		if err := json.Unmarshal(b, &got); err != nil || got != want {
			t.Errorf("%q was written as %s: %v", want, b, err)
		}
	}
}

func TestMaxState(t *testing.T) {
	s, _ := newStore(String, 0)
	n := fill(t, s, func(i int) string { return fmt.Sprintf("\x01\x01\x01\x01\x01\x01%d", i) })
	if got := int64(len(stateOf(t, s))); n == 0 || got > MaxState(1<<20) {
		t.Errorf("a state of %d bytes is longer than %d", got, MaxState(1<<20))
	}
}
