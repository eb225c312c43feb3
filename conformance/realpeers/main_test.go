package realpeers

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"weir/conformance/binary"
)

// weirBinary is the program under test.
var weirBinary string

func TestMain(m *testing.M) {
	os.Exit(binary.Run(func(path string) int {
		weirBinary = path
		return withCredentials(func() int { return withoutLeaks(m) })
	}))
}

// withCredentials makes the shared credentials, which are removed after the tests.
func withCredentials(tests func() int) int {
	dir, err := os.MkdirTemp("", "weir-certificates-")
	if err == nil {
		defer os.RemoveAll(dir)
		shared, err = newCredentials(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return tests()
}

// withoutLeaks runs the tests and checks for leaked goroutines.
func withoutLeaks(m *testing.M) int {
	if code := m.Run(); code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines left behind:", err)
		return 1
	}
	return 0
}
