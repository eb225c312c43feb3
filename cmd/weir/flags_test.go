package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestOwnSwitchesAreDocumented checks that each option that nginx does not have is in the usage and has a
// section in the manual.
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

var switchLine = regexp.MustCompile(`(?m)^  (-[^ ,]+)(?:,(-\S+))?( \w+)? *:`)

// TestManualPage checks that the manual page has every option of the usage.
func TestManualPage(t *testing.T) {
	page, err := os.ReadFile("../../packaging/weir.8")
	if err != nil {
		t.Fatal(err)
	}
	_, options, _ := strings.Cut(strings.ReplaceAll(string(page), `\-`, "-"), ".SH OPTIONS")
	lines := switchLine.FindAllStringSubmatch(usage, -1)
	if len(lines) < 10 {
		t.Fatalf("found %d switches in the usage", len(lines))
	}
	for _, m := range lines {
		for _, name := range m[1:3] {
			if name != "" && !strings.Contains(options, name) {
				t.Errorf("packaging/weir.8 does not have %s", name)
			}
		}
	}
}

// TestOwnSwitchesDifferFromNginx checks that nginx refuses each of them, so that none changes the meaning
// of an nginx command line.
func TestOwnSwitchesDifferFromNginx(t *testing.T) {
	needNginx(t)
	for name := range ownSwitches {
		if got := command(t, t.TempDir(), nginx, "-t", name); got.code != 1 || !strings.Contains(got.stderr, "invalid option") {
			t.Errorf("%s: nginx says\n%v", name, got)
		}
	}
}
