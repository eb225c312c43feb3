package realpeers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// need returns the path of a program. Without it the test is skipped, or fails where CI=true, and names the package
// that holds it.
func need(t *testing.T, program, debianPackage string) string {
	t.Helper()
	for _, name := range []string{program, filepath.Join("/usr/sbin", program)} { // where Debian keeps servers
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	missing(t, fmt.Sprintf("%s is not installed: apt-get install %s", program, debianPackage))
	return ""
}

// needNode returns the path of Node.js, with the modules of js/ beside it.
func needNode(t *testing.T) string {
	t.Helper()
	node := need(t, "node", "nodejs (20 or newer)")
	if _, err := os.Stat("js/node_modules/mqtt"); err != nil {
		missing(t, "the Node.js modules are not installed: npm ci in conformance/realpeers/js")
	}
	return node
}

// missing ends the test for want of a peer.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip("SKIPPED, " + what)
}
