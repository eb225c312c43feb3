package main

import (
	"os"
	"strings"
	"testing"
)

// TestOwnSwitchesAreDocumented checks that each switch that nginx does not have is in the usage and has a section in the manual.
func TestOwnSwitchesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/extensions.md")
	if err != nil {
		t.Fatal(err)
	}
	for name := range ownSwitches {
		if !strings.Contains(usage, "\n  "+name+" ") {
			t.Errorf("the usage does not have %s", name)
		}
		if !strings.Contains(string(page), "\n### `"+name+"`\n") {
			t.Errorf("docs/extensions.md has no section \"### `%s`\"", name)
		}
	}
}

// TestOwnSwitchesAreNoneOfNginx checks that nginx refuses each of them, so that none changes the meaning of a command line of nginx.
func TestOwnSwitchesAreNoneOfNginx(t *testing.T) {
	needNginx(t)
	for name := range ownSwitches {
		if got := command(t, t.TempDir(), nginx, "-t", name); got.code != 1 || !strings.Contains(got.stderr, "invalid option") {
			t.Errorf("%s: nginx says\n%v", name, got)
		}
	}
}
