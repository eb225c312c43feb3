package realpeers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"weir/conformance/program"
)

// TestDemoPassesItsChecks runs the demo of examples/emqx-sticky to its end, on free ports.
func TestDemoPassesItsChecks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	demo := filepath.Join(dir, "demo")
	if out, err := exec.Command("go", "build", "-o", demo, "weir/examples/emqx-sticky/demo").CombinedOutput(); err != nil {
		t.Fatalf("building the demo: %v\n%s", err, out)
	}
	p := start(t, nil, nil, demo, "-weir", weirBinary, "-conf", exampleOnFreePorts(t, dir), "-fleet", "60", "-once")
	program.AwaitWithin(t, 4*program.Patience, "the end of the demo", p.hasEnded)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("the demo ended with exit code %d, want 0", code)
	}
	for _, want := range []string{"60 of 60 met the same broker", "60 of 60 are with their first broker"} {
		if !strings.Contains(p.text(), want) {
			t.Errorf("the demo did not say %q:\n%s", want, p.text())
		}
	}
}

// exampleOnFreePorts writes the example's configuration with other ports into dir.
func exampleOnFreePorts(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile("../../examples/emqx-sticky/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	conf := string(text)
	for _, port := range []string{"listen 1880", "127.0.0.1:1891", "127.0.0.1:1892", "127.0.0.1:1893"} {
		if !strings.Contains(conf, port) {
			t.Fatalf("the example has no %q", port)
		}
		conf = strings.ReplaceAll(conf, port, fmt.Sprintf("%s%d", port[:len(port)-4], freePort(t)))
	}
	file := filepath.Join(dir, "example.conf")
	if err := os.WriteFile(file, []byte(conf), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
