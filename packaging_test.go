package weir_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// installed lists the files that make install puts below DESTDIR with PREFIX=/usr, with their modes.
var installed = map[string]fs.FileMode{
	"usr/sbin/weir":                                 0o755,
	"usr/share/man/man5/weir.conf.5":                0o644,
	"usr/share/man/man8/weir.8":                     0o644,
	"usr/share/bash-completion/completions/weir":    0o644,
	"usr/share/zsh/site-functions/_weir":            0o644,
	"usr/share/fish/vendor_completions.d/weir.fish": 0o644,
	"usr/lib/systemd/system/weir.service":           0o644,
	"usr/lib/sysusers.d/weir.conf":                  0o644,
}

func TestInstall(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	binary, root := filepath.Join(dir, "weir"), filepath.Join(dir, "root")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{"-s", "BINARY=" + binary, "DESTDIR=" + root, "PREFIX=/usr"}

	run(t, "make", append(args, "install")...)
	for _, path := range filesBelow(t, root) {
		if installed[path] == 0 {
			t.Errorf("installs %s", path)
		}
	}
	for path, mode := range installed {
		info, err := os.Stat(filepath.Join(root, path))
		if err != nil {
			t.Error(err)
		} else if info.Mode().Perm() != mode {
			t.Errorf("%s: got mode %v, want %v", path, info.Mode().Perm(), mode)
		}
	}
	unit, err := os.ReadFile(filepath.Join(root, "usr/lib/systemd/system/weir.service"))
	if err != nil || !strings.Contains(string(unit), "ExecStart=/usr/sbin/weir ") || strings.Contains(string(unit), "/usr/local") {
		t.Errorf("the unit does not start the installed binary (%v):\n%s", err, unit)
	}

	run(t, "make", append(args, "uninstall")...)
	if left := filesBelow(t, root); len(left) > 0 {
		t.Errorf("uninstall leaves %v", left)
	}
}

// filesBelow lists the files below root, relative to it.
func filesBelow(t *testing.T, root string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			path, err = filepath.Rel(root, path)
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var toolchain = regexp.MustCompile(`(?m)^go (\S+)$`)

// TestDockerfileGo checks that the image is built with the Go version in go.mod.
func TestDockerfileGo(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("packaging/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	if want := "FROM golang:" + toolchain.FindStringSubmatch(string(mod))[1] + " "; !strings.Contains(string(text), want) {
		t.Errorf("packaging/Dockerfile does not have %q", want)
	}
}
