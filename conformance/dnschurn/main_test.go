package dnschurn

import (
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
