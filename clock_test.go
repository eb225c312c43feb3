package weir_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// wallClock are the functions and methods that read the wall clock of a time, drop its monotonic reading, or
// make a time without one. Differences of such times are wrong after the system's clock is set.
var wallClock = []string{
	"(time.Time).In", "(time.Time).Local", "(time.Time).Round", "(time.Time).Truncate", "(time.Time).UTC", "(time.Time).AddDate",
	"(time.Time).Unix", "(time.Time).UnixMicro", "(time.Time).UnixMilli", "(time.Time).UnixNano",
	"time.Date", "time.Parse", "time.ParseInLocation", "time.Unix", "time.UnixMicro", "time.UnixMilli", "(io/fs.FileInfo).ModTime",
}

// wallClockUses lists the uses of wallClock in the program, a function in a line, each with its purpose. None is
// a duration: durations are differences of two results of time.Now, of the Now of an Env, or of
// relay.Monotonic.
var wallClockUses = purposes(`
internal/certstatus exchange: a deadline that has passed
internal/certtext DaysLeft: until the end of a certificate
internal/certtext Time: text
internal/dns exchangeStream: a deadline that has passed
internal/dns read: a deadline that has passed
internal/keyval WriteState: the times in a state file
internal/keyval restore: the times in a state file
internal/logfile giveUp: a deadline that has passed
internal/logfile writeBatch: the next second of the clock, as in nginx
internal/relay Monotonic: the start of the program
internal/tlsconf unwrap: the age of a ticket, which another process may have made
runtime License: a constant
runtime isRecent: the time of a file
runtime/api moment: text
runtime/api variables: a constant
runtime/metrics goProcess: text
runtime/metrics httpAndTLS: text
runtime/metrics reloads: text
stream appendMsec: text
stream secondOf: text
stream/modules/geoip2 New: the time of a file
stream/modules/geoip2 check: the time of a file
stream/modules/healthcheck run: a deadline that has passed
stream/upstream wall: text
web RefusalPage: text
web msec: text
web/modules/static limitConditions: the time of a file
web/modules/static send: the time of a file
`)

// purposes parses a line for each function: the directory of its package, its name, a colon, and the purpose.
func purposes(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if function, purpose, ok := strings.Cut(strings.TrimSpace(line), ": "); ok {
			all[function] = purpose
		}
	}
	return all
}

// TestDurationsAreMonotonic checks that each function of the program that uses the wall clock is in the list.
func TestDurationsAreMonotonic(t *testing.T) {
	found := map[string]bool{}
	for _, use := range usesOfWallClock(t) {
		found[use.function] = true
		if wallClockUses[use.function] == "" {
			t.Errorf("%s calls %s: use the monotonic clock for a duration; else add the purpose to wallClockUses", use.function, use.callee)
		}
	}
	for function := range wallClockUses {
		if !found[function] {
			t.Errorf("wallClockUses has %s, which does not use the wall clock", function)
		}
	}
}

// A clockUse is a use of the wall clock in a function of the program.
type clockUse struct{ function, callee string }

// A linkedPackage is a part of the output of go list -export for a package of the program.
type linkedPackage struct {
	ImportPath, Dir, Export string
	GoFiles                 []string
}

// usesOfWallClock returns the uses in all packages of this module that are linked into the program.
func usesOfWallClock(t *testing.T) (all []clockUse) {
	t.Helper()
	linked := linkedPackages(t)
	exports := map[string]string{}
	for _, p := range linked {
		exports[p.ImportPath] = p.Export
	}
	files := token.NewFileSet()
	imports := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, p := range linked {
		if strings.HasPrefix(p.ImportPath, "weir/") {
			all = append(all, p.usesOfWallClock(t, files, imports)...)
		}
	}
	return all
}

// linkedPackages compiles the program and returns its packages.
func linkedPackages(t *testing.T) (all []linkedPackage) {
	t.Helper()
	out := run(t, "go", "list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", "./cmd/weir")
	for d := json.NewDecoder(strings.NewReader(out)); ; {
		var p linkedPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// usesOfWallClock returns the uses in a package.
func (p *linkedPackage) usesOfWallClock(t *testing.T, files *token.FileSet, imports types.Importer) (all []clockUse) {
	t.Helper()
	var parsed []*ast.File
	for _, name := range p.GoFiles {
		file, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, file)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: imports, Error: func(err error) { t.Error(err) }}
	_, _ = config.Check(p.ImportPath, files, parsed, info) // errors are reported above
	for _, file := range parsed {
		for _, d := range file.Decls {
			where := strings.TrimPrefix(p.ImportPath, "weir/") + " " + nameOf(d)
			ast.Inspect(d, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					if callee := calleeOf(info.Uses[id]); slices.Contains(wallClock, callee) {
						all = append(all, clockUse{where, callee})
					}
				}
				return true
			})
		}
	}
	return all
}

// nameOf returns the name of a function; "variables" for other declarations.
func nameOf(d ast.Decl) string {
	if f, ok := d.(*ast.FuncDecl); ok {
		return f.Name.Name
	}
	return "variables"
}

// calleeOf returns the full name of a function or method; "" for another object.
func calleeOf(o types.Object) string {
	f, ok := o.(*types.Func)
	if !ok {
		return ""
	}
	return f.FullName()
}
