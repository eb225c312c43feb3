package realpeers

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"weir/conformance/installed"
)

// oldestNode is the first major version of Node.js that all modules of js/ support: "engines" in
// its package.json. Debian 12 has 18.
const oldestNode = 20

// needNode returns the path of a Node.js that is new enough, with the modules of js/ installed.
func needNode(t *testing.T) string {
	t.Helper()
	node := installed.Program(t, "node", "nodejs")
	out, err := exec.Command(node, "--version").Output()
	if err != nil {
		t.Fatalf("%s --version: %v", node, err)
	}
	if version := strings.TrimSpace(string(out)); majorOf(version) < oldestNode {
		installed.Missing(t, fmt.Sprintf("%s is Node.js %s, and %d or newer is needed", node, version, oldestNode))
	}
	if _, err := os.Stat("js/node_modules/mqtt"); err != nil {
		installed.Missing(t, "the Node.js modules are not installed: npm ci in conformance/realpeers/js")
	}
	return node
}

// majorOf returns the major version of "v20.19.2"; 0 if the text is not a version.
func majorOf(version string) int {
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return n
}

func TestMajorOf(t *testing.T) {
	for version, want := range map[string]int{"v20.19.2": 20, "v18.20.4": 18, "v9.0.0": 9, "v22.0.0-nightly": 22, "": 0, "node": 0} {
		if got := majorOf(version); got != want {
			t.Errorf("%q: got %d, want %d", version, got, want)
		}
	}
}

// TestOldestNodeMatchesTheModules compares the constant with package.json.
func TestOldestNodeMatchesTheModules(t *testing.T) {
	text, err := os.ReadFile("js/package.json")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`"node": ">=%d"`, oldestNode); !strings.Contains(string(text), want) {
		t.Errorf("js/package.json does not say %s", want)
	}
}
