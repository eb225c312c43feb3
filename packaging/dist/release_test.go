package main

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// testRelease returns a release with text in the place of binaries.
func testRelease(t *testing.T) *release {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	r := &release{
		root: root, out: t.TempDir(), maintainer: "The weir authors <weir@localhost>",
		number: "1.2.3", prerelease: "pre20260131235959", version: "1.2.3-pre20260131235959",
		time: time.Date(2026, 1, 31, 23, 59, 59, 0, time.UTC), binaries: map[target][]byte{},
		notices: []notice{{"example.com/module", "v1.0.0", "MIT", "Copyright (c) 2020 A. Author\n\nPermission is granted.\n"}},
	}
	for _, target := range targets {
		r.binaries[target] = []byte("#!/bin/sh\n# " + target.name + "\n")
	}
	return r
}

// writeAll writes the files that need no other program.
func writeAll(t *testing.T, r *release) {
	t.Helper()
	for _, target := range targets {
		if err := r.archive(target); err != nil {
			t.Fatal(err)
		}
		if err := r.packages(target, t.TempDir()); err != nil {
			t.Fatal(err)
		}
	}
	for _, write := range []func() error{r.image, r.chart, r.checksums} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSameBytes checks that packing twice, at different times and in different directories, has the same result.
func TestSameBytes(t *testing.T) {
	first, second := testRelease(t), testRelease(t)
	writeAll(t, first)
	writeAll(t, second)
	if n := compareDirs(t, first.out, second.out); n != 4*len(targets)+3 {
		t.Errorf("a release has %d files", n)
	}
}

// compareDirs compares the files of two directories, and returns their number.
func compareDirs(t *testing.T, a, b string) int {
	t.Helper()
	entries, err := os.ReadDir(a)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		one, err := os.ReadFile(filepath.Join(a, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if two, err := os.ReadFile(filepath.Join(b, e.Name())); err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s differs (%v)", e.Name(), err)
		}
	}
	return len(entries)
}

// TestPackagedFiles checks which files a package has, and their modes.
func TestPackagedFiles(t *testing.T) {
	r := testRelease(t)
	for _, f := range formats {
		all, err := r.packaged(f, targets[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"/usr/sbin/weir", "/usr/lib/systemd/system/weir.service", "/usr/lib/sysusers.d/weir.conf", "/etc/logrotate.d/weir",
			"/etc/weir/nginx.conf", "/usr/share/man/man8/weir.8.gz", "/usr/share/man/man5/weir.conf.5.gz",
			"/usr/share/bash-completion/completions/weir", f.zshDir + "/_weir", "/usr/share/fish/vendor_completions.d/weir.fish",
		} {
			if !slices.ContainsFunc(all, func(f file) bool { return f.path == want }) {
				t.Errorf("%s does not have %s", f.name, want)
			}
		}
		for _, file := range all {
			executable := slices.Contains([]string{"sbin", "init.d"}, path.Base(path.Dir(file.path)))
			if !file.dir && (file.mode == 0o755) != executable {
				t.Errorf("%s: %s has the mode %o", f.name, file.path, file.mode)
			}
			if operators := path.Dir(file.path) == "/etc/weir" || path.Dir(file.path) == "/etc/logrotate.d"; file.config != operators {
				t.Errorf("%s: is %s the operator's: %v", f.name, file.path, file.config)
			}
			if file.path == "/usr/lib/systemd/system/weir.service" && (bytes.Contains(file.data, []byte("/usr/local")) || !bytes.Contains(file.data, []byte("WEIR_CONF=/etc/weir/nginx.conf"))) {
				t.Errorf("%s: the unit does not have the paths of the package:\n%s", f.name, file.data)
			}
		}
	}
}

// TestImageMatchesDockerfile checks that both images start weir in the same way.
func TestImageMatchesDockerfile(t *testing.T) {
	r := testRelease(t)
	dockerfile, err := r.source("packaging/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	c := r.imageConfig(targets[0]).Config
	entrypoint := `ENTRYPOINT ["`
	for i, word := range c.Entrypoint {
		if i > 0 {
			entrypoint += `", "`
		}
		entrypoint += word
	}
	for _, line := range []string{entrypoint + `"]`, "USER " + c.User, "STOPSIGNAL " + c.StopSignal} {
		if !bytes.Contains(dockerfile, []byte("\n"+line+"\n")) {
			t.Errorf("packaging/Dockerfile does not have %q", line)
		}
	}
}

func TestCopyright(t *testing.T) {
	got := string(copyright("BSD 2-Clause License\n\nText.\n", []notice{
		{"example.com/a", "v1.0.0", "MIT", "MIT License\n\nCopyright (c) 2020 A. Author\nCopyright 2021 B. Author\n\nText.\n"},
		{"example.com/b", "v2.0.0", "Apache-2.0", "Apache License\n"},
	}))
	const want = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: weir

Files: *
Copyright: 2026 the weir authors
License: BSD-2-Clause
 BSD 2-Clause License
 .
 Text.

Files: example.com/a
Copyright: 2020 A. Author
  2021 B. Author
License: MIT-example.com-a
 MIT License
 .
 Copyright (c) 2020 A. Author
 Copyright 2021 B. Author
 .
 Text.

Files: example.com/b
Copyright: the authors of example.com/b
License: Apache-2.0-example.com-b
 On Debian systems, the text of the Apache License 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
`
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// TestNotices reads the licences of the modules that are linked.
func TestNotices(t *testing.T) {
	all, err := readNotices("../..")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, n := range all {
		names = append(names, n.name)
		if n.text == "" || n.license == "" {
			t.Errorf("%s has the licence %q, and %d bytes of text", n.name, n.license, len(n.text))
		}
	}
	if !slices.Contains(names, "Go") || !slices.Contains(names, "golang.org/x/sys") {
		t.Errorf("the notices are of %q", names)
	}
}
