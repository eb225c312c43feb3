package reliability

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/conformance/binary"
)

// weirBinary is the program under test.
var weirBinary string

func TestMain(m *testing.M) {
	if addr := os.Getenv(brokerVariable); addr != "" {
		serveBroker(addr)
		return
	}
	if text := os.Getenv(crowdVariable); text != "" {
		serveCrowd(text)
		return
	}
	goleak.VerifyTestMain(binary.Tests(func(path string) int {
		weirBinary = path
		return m.Run()
	}))
}

// soak returns the duration in WEIR_SOAK, and whether the long forms of the tests run. It is one
// minute if the value is not a duration.
func soak() (time.Duration, bool) {
	text := os.Getenv("WEIR_SOAK")
	d, err := time.ParseDuration(text)
	if err != nil {
		d = time.Minute
	}
	return d, text != ""
}

// scale returns a number for the short form of a test, and another for the long form.
func scale[T any](short, long T) T {
	if _, on := soak(); on {
		return long
	}
	return short
}

// figure logs a measured value under the name that docs/reliability.md uses.
func figure(t *testing.T, name, format string, values ...any) {
	t.Helper()
	t.Logf("FIGURE %s: %s", name, fmt.Sprintf(format, values...))
}
