package handshakes

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
		return withoutLeaks(m)
	}))
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

// soak reports whether the long forms of the tests run.
func soak() bool { return os.Getenv("WEIR_SOAK") != "" }
