package handshakes

import (
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
		return m.Run()
	}))
}

// soak reports whether the long forms of the tests run.
func soak() bool { return os.Getenv("WEIR_SOAK") != "" }
