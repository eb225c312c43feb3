// Package binary finds the weir binary for black-box tests.
package binary

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Tests runs tests with the path of the program and returns their exit code.
type Tests func(path string) int

// Run runs the tests. A program that was built for them is removed afterwards. Without a program Run
// prints why and returns 1.
func (tests Tests) Run() int {
	dir, err := os.MkdirTemp("", "weir-binary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	path, err := Path(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return tests(path)
}

// Path returns the path in WEIR_BIN, or of a static build in dir.
func Path(dir string) (string, error) {
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
