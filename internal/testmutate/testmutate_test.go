package testmutate_test

import (
	"math/rand/v2"
	"testing"

	"weir/internal/testmutate"
)

// TestMutate checks that messages change, and that no message makes Mutate fail.
func TestMutate(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	kinds := map[string]bool{}
	for range 10_000 {
		kinds[string(testmutate.Mutate(r, []byte("abcd")))] = true
		testmutate.Mutate(r, nil)
		testmutate.Mutate(r, []byte("x"))
	}
	if len(kinds) < 500 {
		t.Errorf("got %d different messages", len(kinds))
	}
}

func TestRun(t *testing.T) {
	calls, changed := 0, 0
	testmutate.Run(t, [][]byte{[]byte("first"), []byte("second")}, func(b []byte) {
		calls++
		if s := string(b); s != "first" && s != "second" {
			changed++
		}
	})
	if changed < calls/2 {
		t.Errorf("%d of %d messages are changed", changed, calls)
	}
}
