package conformance

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/conformance/binary"
	"weir/conformance/installed"
	"weir/conformance/nginx"
)

var (
	table   = flag.Bool("table", false, "print what each subject did, by documentation page")
	writeTo = flag.String("write", "", "write the table to this file, as Markdown")
)

// parallel is the default number of scripts that run at once (see -parallel): they wait more than
// they compute.
const parallel = "4"

func TestMain(m *testing.M) {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if !chosen {
		flag.Set("test.parallel", parallel)
	}
	os.Exit(m.Run())
}

// TestConformance runs every script on weir (WEIR_BIN, or built here) and on each nginx (NGINX_BINS, or one: see nginx.Path).
func TestConformance(t *testing.T) {
	scripts, err := LoadScripts("testdata")
	if err != nil {
		t.Fatal(err)
	}
	known, ofAngie := differences(t, scripts, "known_differences.txt"), differences(t, scripts, "angie.txt")
	names := []string{weirName}
	nginxes := findNginxes(t)
	for _, sub := range nginxes {
		if sub.Build.Product == "Angie" {
			sub.except = ofAngie
		}
		names = append(names, sub.Name)
	}
	report := NewReport(scripts, names...)
	runAll := func(t *testing.T, sub *Subject) {
		for _, s := range scripts {
			t.Run(s.Name, func(t *testing.T) {
				t.Parallel()
				runScript(t, sub, s, known, report)
			})
		}
	}
	t.Run(weirName, func(t *testing.T) { runAll(t, findWeir(t)) })
	for _, sub := range nginxes {
		t.Run(sub.Name, func(t *testing.T) { runAll(t, sub) })
	}
	publish(t, report)
}

func differences(t *testing.T, scripts []*Script, file string) Differences {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known, err := ParseDifferences(string(text))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, err := range known.Stale(scripts) {
		t.Error(err)
	}
	return known
}

func runScript(t *testing.T, sub *Subject, s *Script, known Differences, report *Report) {
	t.Helper()
	if why := sub.NotFor(s); why != "" {
		report.Set(sub.Name, s.Name, NotFor.because(why))
		t.Skip("n/a: " + why)
	}
	if s.NeedsRoot && os.Getuid() != 0 {
		installed.Missing(t, "this needs root")
	}
	outcome := Passed
	if module := sub.Lacks(s); module != "" {
		installed.Missing(t, sub.Name+" has no "+module+" (scripts/install-test-deps)")
	}
	err := Execute(sub, s, t.TempDir(), known)
	if reason, listed := known.Of(sub, s.Name, ""); listed {
		outcome, err = Differs, mustDiffer(err, reason)
	}
	if err != nil {
		outcome = Failed
		t.Error(err)
	}
	report.Set(sub.Name, s.Name, outcome)
}

// findWeir returns the subject weir, built without cgo if no binary is named.
func findWeir(t *testing.T) *Subject {
	t.Helper()
	path, err := binary.Path(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return Weir(path)
}

// nginxBinaries returns the space-separated paths in NGINX_BINS, or one path.
func nginxBinaries() []string {
	if paths := strings.Fields(os.Getenv("NGINX_BINS")); len(paths) > 0 {
		return paths
	}
	return []string{nginx.Path()}
}

// findNginxes returns a subject for each binary of nginx that is installed.
func findNginxes(t *testing.T) (found []*Subject) {
	t.Helper()
	for _, bin := range nginxBinaries() {
		sub, err := Nginx(absolute(t, bin), absolute(t, "testdata/njs/mqtt.js"))
		if err != nil {
			t.Run("nginx", func(t *testing.T) {
				installed.Missing(t, err.Error()+" (scripts/install-test-deps, or set NGINX_BINS)")
			})
			continue
		}
		found = append(found, sub)
	}
	return found
}

// absolute returns the absolute path: subjects run in directories of their own.
func absolute(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

// publish prints and writes the table as the flags request.
func publish(t *testing.T, report *Report) {
	t.Helper()
	if *table {
		report.WriteText(os.Stdout)
	}
	if *writeTo == "" {
		return
	}
	if page, err := os.ReadFile(*writeTo); err == nil {
		report.Keep(string(page))
	}
	f, err := os.Create(*writeTo)
	if err != nil {
		t.Fatal(err)
	}
	report.WriteMarkdown(f)
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		t.Error(err)
	}
}
