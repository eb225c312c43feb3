package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A notice is the licence of software that the binary contains.
type notice struct {
	name, version string
	license       string // as in the table of docs/design.md
	text          string
}

// A linkedPackage is the output of go list for a package.
type linkedPackage struct {
	Module *struct {
		Path, Version, Dir string
		Main               bool
	}
}

// readNotices returns the notices of the Go project and of all modules that the binary contains on any processor, in order of their
// names.
func readNotices(root string) ([]notice, error) {
	design, err := os.ReadFile(filepath.Join(root, "docs/design.md"))
	if err != nil {
		return nil, err
	}
	all := map[string]notice{}
	for _, t := range targets {
		if err := addNotices(all, root, t, string(design)); err != nil {
			return nil, err
		}
	}
	standard, err := goNotice()
	if err != nil {
		return nil, err
	}
	sorted := []notice{standard}
	for _, n := range all {
		sorted = append(sorted, n)
	}
	slices.SortFunc(sorted, func(a, b notice) int { return strings.Compare(a.name, b.name) })
	return sorted, nil
}

// goNotice returns the notice of the Go project, whose libraries are in each binary.
func goNotice() (notice, error) {
	out, err := exec.Command("go", "env", "GOROOT", "GOVERSION").Output()
	if err != nil {
		return notice{}, err
	}
	goroot, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	text, err := os.ReadFile(filepath.Join(goroot, "LICENSE"))
	return notice{"Go", version, "BSD-3-Clause", string(text)}, err
}

// addNotices adds the modules that the binary for a processor contains.
func addNotices(all map[string]notice, root string, t target, design string) error {
	cmd := exec.Command("go", "list", "-deps", "-json=Module", "./cmd/weir")
	cmd.Dir, cmd.Stderr = root, os.Stderr
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+t.arch)
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p linkedPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if p.Module == nil || p.Module.Main || all[p.Module.Path].name != "" {
			continue
		}
		n := notice{name: p.Module.Path, version: p.Module.Version}
		if n.license, err = licenseOf(design, n.name); err != nil {
			return err
		}
		if n.text, err = licenseText(p.Module.Dir); err != nil {
			return err
		}
		all[n.name] = n
	}
}

// licenseOf returns the licence of a module by the table of docs/design.md.
func licenseOf(design, module string) (string, error) {
	m := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(module) + ` \| [^|]+ \| ([^|]+) \|`).FindStringSubmatch(design)
	if m == nil {
		return "", fmt.Errorf("docs/design.md does not have the licence of %s", module)
	}
	return m[1], nil
}

// licenseText returns the files that a module's licence asks to be distributed with the binary.
func licenseText(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range entries {
		name, _, _ := strings.Cut(e.Name(), ".")
		if e.IsDir() || !slices.Contains([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}, strings.ToUpper(name)) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", err
		}
		b.Write(text)
	}
	if b.Len() == 0 {
		return "", fmt.Errorf("%s has no licence", dir)
	}
	return b.String(), nil
}

// thirdParty returns all notices as one text.
func thirdParty(all []notice) []byte {
	var b bytes.Buffer
	b.WriteString("weir contains the following software.\n")
	for _, n := range all {
		fmt.Fprintf(&b, "\n%s\n%s %s (%s)\n\n%s\n", strings.Repeat("-", 72), n.name, n.version, n.license, strings.TrimSpace(n.text))
	}
	return b.Bytes()
}

// apacheText stands for the text of the Apache License, which Debian systems have in a file of its own.
const apacheText = `On Debian systems, the text of the Apache License 2.0 is in
/usr/share/common-licenses/Apache-2.0.
`

// copyright returns the file of this name of a Debian package, in Debian's format.
func copyright(license string, all []notice) []byte {
	var b bytes.Buffer
	b.WriteString("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: weir\n")
	fmt.Fprintf(&b, "\nFiles: *\nCopyright: 2026 the weir authors\nLicense: BSD-2-Clause\n%s", indented(license))
	for _, n := range all {
		text := n.text
		if n.license == "Apache-2.0" {
			text = apacheText
		}
		id := n.license + "-" + regexp.MustCompile(`[^A-Za-z0-9.]+`).ReplaceAllString(n.name, "-")
		fmt.Fprintf(&b, "\nFiles: %s\nCopyright: %s\nLicense: %s\n%s", n.name, holders(n), id, indented(text))
	}
	return b.Bytes()
}

var holderLine = regexp.MustCompile(`(?m)^ *Copyright (?:\([cC]\)|©)? *(\d{4}.*?)\.?$`)

// holders returns the lines of a licence that name the holders of the copyright.
func holders(n notice) string {
	var all []string
	for _, m := range holderLine.FindAllStringSubmatch(n.text, -1) {
		all = append(all, strings.TrimSpace(m[1]))
	}
	if len(all) == 0 {
		return "the authors of " + n.name
	}
	return strings.Join(all, "\n  ")
}

// indented returns text as the continuation of a field of Debian's control files.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimSpace(text) + "\n") {
		line = strings.TrimRight(line, " \r\n\t")
		if line == "" {
			line = "."
		}
		b.WriteString(" " + line + "\n")
	}
	return b.String()
}
