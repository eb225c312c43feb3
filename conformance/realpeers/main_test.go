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
	goleak.VerifyTestMain(binary.Tests(func(path string) int {
		weirBinary = path
		return withCredentials(m.Run)
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
