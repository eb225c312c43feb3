// Package binary finds the weir binary for black-box tests.
package binary

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Run calls tests with the path of the program: from WEIR_BIN, or built for them and removed
// afterwards. It returns their exit code, or 1, with a message on standard error, if there is no
// program.
func Run(tests func(path string) int) int {
	dir, err := os.MkdirTemp("", "weir-binary-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	path, err := in(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return tests(path)
}

// in returns the path in WEIR_BIN, or of a static build in dir.
func in(dir string) (string, error) {
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
