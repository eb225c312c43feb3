package stream_test

import (
	"testing"

	"weir/stream"
	"weir/stream/offline"
)

var (
	someKey  = stream.NewKey[string]()
	otherKey = stream.NewKey[int]()
)

func TestKey(t *testing.T) {
	s := offline.NewSession(t, listener())
	if got, ok := someKey.Get(s.Session); got != "" || ok {
		t.Errorf("got %q, %v before Set", got, ok)
	}
	someKey.Set(s.Session, "a")
	otherKey.Set(s.Session, 7)
	someKey.Set(s.Session, "b")
	text, ok := someKey.Get(s.Session)
	number, known := otherKey.Get(s.Session)
	if text != "b" || number != 7 || !ok || !known {
		t.Errorf("got %q, %v and %d, %v; want b and 7", text, ok, number, known)
	}
	other := stream.NewSession(s.Listen, s.Env, s.Client, nil)
	if got, ok := someKey.Get(other); ok {
		t.Errorf("got %q from another session", got)
	}
}
