// Package weir_test tests the rules of the project: which package may import which, which modules are
// linked, comments and words, links and examples in the documentation.
package weir_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
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
internal/*: internal/ascii internal/certverify internal/ciphers internal/dns golang.org/x/crypto/ocsp golang.org/x/net/dns/dnsmessage github.com/pires/go-proxyproto github.com/youmark/pkcs8
internal/keyval: internal/zone github.com/gaissmai/bart

parser/diag
parser: parser/diag github.com/alecthomas/participle/v2

stream: stream/status internal/* internal/keyval
stream/status: internal/*
stream/upstream: stream stream/status internal/* github.com/dgryski/go-jump
stream/modules/*: stream stream/status stream/upstream internal/* internal/keyval github.com/gaissmai/bart github.com/oschwald/maxminddb-golang/v2
stream/modules/healthcheck: stream stream/upstream internal/* golang.org/x/sys/unix
stream/driver/*: stream stream/driver/internal/* internal/* golang.org/x/sys/unix
stream/driver/internal/*: stream internal/* golang.org/x/sys/unix
stream/driver/drivertest: stream stream/offline stream/status internal/* golang.org/x/sys/unix go.uber.org/goleak
stream/upstream/upstreamtest: stream stream/offline stream/upstream internal/*
stream/offline: stream internal/* golang.org/x/sys/unix

directives/conf: parser parser/diag stream internal/*
web: stream internal/*
web/webtest: web stream internal/*
web/modules/*: web stream internal/* github.com/tg123/go-htpasswd

directives: directives/conf parser parser/diag stream stream/status stream/upstream stream/modules/* stream/modules/healthcheck web web/modules/* internal/* internal/keyval
runtime/api: directives/conf internal/* internal/keyval
runtime/control: directives/conf stream internal/*
runtime/dashboard:
runtime/keeper: golang.org/x/sys/unix
runtime/webserver: web stream internal/* golang.org/x/sys/unix
runtime/metrics: runtime/api
runtime: runtime/api runtime/control runtime/dashboard runtime/keeper runtime/metrics runtime/webserver web directives directives/conf parser parser/diag stream stream/status stream/upstream stream/driver/* internal/* github.com/fsnotify/fsnotify golang.org/x/sys/unix
cmd/weir: runtime

conformance: conformance/* golang.org/x/tools/txtar golang.org/x/crypto/ocsp
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
		for _, imported := range p.Imports {
			if !isStandard(imported) && !slices.ContainsFunc(may, func(m string) bool { return covers(m, imported) }) {
				t.Errorf("%s must not import %s", p.path(), imported)
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
func covers(entry, imported string) bool {
	if ours, ok := strings.CutPrefix(imported, "weir/"); ok {
		return entry == ours || entry == ruleFor(ours)
	}
	return imported == entry || strings.HasPrefix(imported, entry+"/")
}

// isStandard reports whether a package is in the standard library: the first element of its path is neither a domain nor
// this module.
func isStandard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return first != "weir" && !strings.Contains(first, ".")
}

// TestLinkedModules checks that modules and packages for tests and examples are not linked into the program.
func TestLinkedModules(t *testing.T) {
	linked := strings.Fields(run(t, "go", "list", "-deps", "./cmd/weir"))
	for _, module := range []string{
		"github.com/mochi-mqtt/server", "github.com/eclipse/paho.golang", "github.com/eclipse/paho.mqtt.golang", "go.uber.org/goleak",
		"github.com/maxmind/mmdbwriter", "golang.org/x/tools", "testing",
		"weir/stream/driver/drivertest", "weir/stream/offline", "weir/stream/upstream/upstreamtest", "weir/web/webtest", "weir/conformance/ports", "weir/internal/testwait",
	} {
		for _, name := range linked {
			if name == module || strings.HasPrefix(name, module+"/") {
				t.Errorf("cmd/weir links %s", name)
			}
		}
	}
}
