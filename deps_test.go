// Package weir_test tests the rules of the project: which package may import which, that every package
// has a comment, that the examples in the documentation are correct, and that no file contains paths of
// the machine that it was written on.
package weir_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowed lists the packages that a package may import in addition to the standard library. All others are
// forbidden. A name that ends with /* is a rule for all packages below it that have no line of their own;
// as an import it means all of them. The packages of conformance and bench know only the binary.
//
// DO NOT CHANGE THE TABLE TO FIX BUILDS. An import that it forbids is a dependency that the design avoids;
// see docs/design.md.
var allowed = table(`
internal/*: internal/ascii internal/dns golang.org/x/net/dns/dnsmessage github.com/pires/go-proxyproto
internal/tlsconf: internal/ascii internal/certverify internal/ciphers github.com/youmark/pkcs8

parser/diag
parser: parser/diag github.com/alecthomas/participle/v2

stream: internal/*
stream/upstream: stream internal/* github.com/dgryski/go-jump
stream/modules/*: stream stream/upstream internal/* github.com/gaissmai/bart github.com/oschwald/maxminddb-golang/v2
stream/driver/*: stream stream/driver/internal/* internal/* golang.org/x/sys/unix
stream/driver/internal/*: stream internal/* golang.org/x/sys/unix
stream/driver/drivertest: stream stream/offline internal/* golang.org/x/sys/unix go.uber.org/goleak
stream/upstream/upstreamtest: stream stream/offline stream/upstream internal/*
stream/offline: stream internal/* golang.org/x/sys/unix

directives/conf: parser parser/diag stream internal/ascii
directives: directives/conf parser parser/diag stream stream/upstream stream/modules/* internal/*
runtime: directives directives/conf parser parser/diag stream stream/upstream stream/driver/* internal/* github.com/fsnotify/fsnotify golang.org/x/sys/unix
cmd/weir: runtime

conformance: conformance/* golang.org/x/tools/txtar
conformance/*: conformance/* golang.org/x/sys/unix golang.org/x/net/dns/dnsmessage
bench: bench/* conformance/* golang.org/x/sys/unix
bench/*: bench/* golang.org/x/sys/unix
examples/emqx-sticky/demo: github.com/eclipse/paho.mqtt.golang github.com/mochi-mqtt/server/v2 github.com/pires/go-proxyproto
`)

// table parses a line for each package: its name, a colon, and the packages that it may import.
func table(text string) map[string][]string {
	t := map[string][]string{}
	for line := range strings.Lines(text) {
		name, imports, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name != "" {
			t[name] = strings.Fields(imports)
		}
	}
	return t
}

// A goPackage is the output of go list for a package.
type goPackage struct {
	ImportPath string
	Name       string
	Doc        string
	Imports    []string
	GoFiles    []string
}

// path returns the import path without the module's path.
func (p *goPackage) path() string { return strings.TrimPrefix(p.ImportPath, "weir/") }

// packages lists the packages of the module that contain more than tests.
func packages(t *testing.T) []*goPackage {
	t.Helper()
	out := run(t, "go", "list", "-json=ImportPath,Name,Doc,Imports,GoFiles", "./...")
	var all []*goPackage
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		p := &goPackage{}
		err := d.Decode(p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			all = append(all, p)
		}
	}
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	return string(out)
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		may, known := allowed[ruleFor(p.path())]
		if !known {
			t.Errorf("%s is not in the table of imports", p.path())
			continue
		}
		for _, path := range p.Imports {
			if !isStandard(path) && !slices.ContainsFunc(may, func(m string) bool { return covers(m, path) }) {
				t.Errorf("%s must not import %s", p.path(), path)
			}
		}
	}
}

// ruleFor returns the name of the line that applies to a package.
func ruleFor(name string) string {
	if _, own := allowed[name]; own {
		return name
	}
	return path.Dir(name) + "/*"
}

// covers reports whether an entry of the table allows an import: a package of this module, or one of
// another module.
func covers(entry, path string) bool {
	if ours, ok := strings.CutPrefix(path, "weir/"); ok {
		return entry == ours || entry == ruleFor(ours)
	}
	return path == entry || strings.HasPrefix(path, entry+"/")
}

// isStandard reports whether a path is in the standard library: its first element is neither a domain nor
// this module.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return first != "weir" && !strings.Contains(first, ".")
}

// TestOnlyTestsNeed checks that modules for tests and examples are not linked into the program.
func TestOnlyTestsNeed(t *testing.T) {
	linked := strings.Fields(run(t, "go", "list", "-deps", "./cmd/weir"))
	for _, module := range []string{
		"github.com/mochi-mqtt/server", "github.com/eclipse/paho.golang", "github.com/eclipse/paho.mqtt.golang", "go.uber.org/goleak",
		"github.com/maxmind/mmdbwriter", "golang.org/x/tools", "weir/stream/driver/drivertest", "weir/stream/offline", "weir/stream/upstream/upstreamtest", "testing",
	} {
		for _, path := range linked {
			if path == module || strings.HasPrefix(path, module+"/") {
				t.Errorf("cmd/weir links %s", path)
			}
		}
	}
}

func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command " + filepath.Base(p.ImportPath) + " "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("the comment of %s begins with %q, want %q", p.path(), p.Doc, want)
		}
	}
}

// TestNothingNamesTheMachine looks for paths that exist only on the machine on which a file was written.
// They are concatenated here, because the test also checks this file.
func TestNothingNamesTheMachine(t *testing.T) {
	machine := []string{"/" + "work/", "/" + "work\"", "/" + "home/", "/" + "root/", "." + "library"}
	for _, path := range sources(t, "") {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.IndexByte(raw, 0) >= 0 {
			continue // not text
		}
		for i, line := range strings.Split(string(raw), "\n") {
			for _, word := range machine {
				if strings.Contains(line, word) {
					t.Errorf("%s:%d: names %s", path, i+1, word)
				}
			}
		}
	}
}

// sources lists the files of the project whose names end with suffix.
func sources(t *testing.T, suffix string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if slices.Contains([]string{".git", "bin", "node_modules", "out"}, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() && strings.HasSuffix(path, suffix) && path != ".git" {
			all = append(all, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
