package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shell is a subject that is not a proxy: it prints its last argument to standard error and exits
// 3.
func shell(t *testing.T) *Subject {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "subject")
	text := "#!/bin/sh\nfor last; do :; done\necho \"$last\" >&2\nexit 3\n"
	if err := os.WriteFile(bin, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return Weir(bin)
}

func execute(t *testing.T, commands string, known Differences) error {
	t.Helper()
	s, err := ParseScript("x/y", []byte("# x\npage: a.html\n"+commands))
	if err != nil {
		t.Fatal(err)
	}
	return Execute(shell(t), s, t.TempDir(), known)
}

func TestExecuteReportsTheFailingLine(t *testing.T) {
	for name, row := range map[string]struct{ commands, want string }{
		"exit code":           {"bare a\nexit 0", "x/y.txtar:4: exit 0: exit code 3, want 0"},
		"output":              {"bare a\nstderr b", "x/y.txtar:4: stderr b: got\na\nwant\nb"},
		"unknown command":     {"jump", "unknown command"},
		"missing argument":    {"send c", "want send NAME DATA"},
		"unknown placeholder": {"bare {{nothing}}", "unknown placeholder {{nothing}}"},
		"unknown peer":        {"accepted p 1", `no peer "p"`},
		"start":               {"start", "exited at start (exit status 3)"},
		"too fast":            {"within 1s 2s bare a", "want 1s to 2s"},
	} {
		t.Run(name, func(t *testing.T) {
			err := execute(t, row.commands, nil)
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q in it", err, row.want)
			}
		})
	}
	if err := execute(t, "bare a\nexit 3\nstderr a\nstdout", nil); err != nil {
		t.Error(err)
	}
}

func TestKnownDifferences(t *testing.T) {
	known, err := ParseDifferences("# head\n\nx/y[one]: we say more\n")
	if err != nil {
		t.Fatal(err)
	}
	if err := execute(t, "bare a\n[one] exit 0\nexit 3", known); err != nil {
		t.Errorf("a known difference failed: %v", err)
	}
	err = execute(t, "bare a\n[one] exit 3", known)
	if err == nil || !strings.Contains(err.Error(), "does not differ") {
		t.Errorf("got %v for a listed difference that agrees", err)
	}
	stale := known.Stale([]*Script{{Name: "x/y", Commands: []Command{{Label: "two"}}}})
	if len(stale) != 1 {
		t.Errorf("got %v, want one stale difference", stale)
	}
	if _, err := ParseDifferences("x/y\n"); err == nil {
		t.Error("a line without reason was taken")
	}
}

func TestPortsAreUnique(t *testing.T) {
	seen := map[int]bool{}
	for range 20 {
		first, err := ports.take(3)
		if err != nil {
			t.Fatal(err)
		}
		for port := first; port < first+3; port++ {
			if seen[port] || port < firstPort || port > lastPort {
				t.Errorf("got port %d again, or out of range", port)
			}
			seen[port] = true
		}
	}
}
