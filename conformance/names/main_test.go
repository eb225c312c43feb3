package names

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// weirBinary is the program under test.
var weirBinary string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

// runTests gets the binary, runs the tests and looks for goroutines that they left behind.
func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "weir-names-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	if weirBinary, err = binary(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if code := m.Run(); code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "goroutines left behind:", err)
		return 1
	}
	return 0
}

// binary returns the path in WEIR_BIN, or of a static build in dir.
func binary(dir string) (string, error) {
	if path := os.Getenv("WEIR_BIN"); path != "" {
		return filepath.Abs(path)
	}
	path := filepath.Join(dir, "weir")
	build := exec.Command("go", "build", "-o", path, "weir/cmd/weir")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building weir: %w\n%s", err, out)
	}
	return path, nil
}
