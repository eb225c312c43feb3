package conformance

import (
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

var (
	table   = flag.Bool("table", false, "print what each subject did, by documentation page")
	writeTo = flag.String("write", "", "write the table to this file, as Markdown")
)

// parallel is how many scripts run at once unless -parallel says otherwise: they wait more than they compute.
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

// TestConformance runs every script on weir (WEIR_BIN, or built here) and on nginx (NGINX_BIN, or the system's).
func TestConformance(t *testing.T) {
	scripts, err := LoadScripts("testdata")
	if err != nil {
		t.Fatal(err)
	}
	known := differences(t, scripts)
	report := NewReport(scripts, "weir", "nginx")
	for name, find := range map[string]func(*testing.T) *Subject{"weir": findWeir, "nginx": findNginx} {
		t.Run(name, func(t *testing.T) {
			sub := find(t)
			for _, s := range scripts {
				t.Run(s.Name, func(t *testing.T) {
					t.Parallel()
					runScript(t, sub, s, known, report)
				})
			}
		})
	}
	publish(t, report)
}

func differences(t *testing.T, scripts []*Script) Differences {
	t.Helper()
	text, err := os.ReadFile("known_differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	known, err := ParseDifferences(string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range known.Stale(scripts) {
		t.Error(err)
	}
	return known
}

func runScript(t *testing.T, sub *Subject, s *Script, known Differences, report *Report) {
	t.Helper()
	if why := sub.NotFor(s); why != "" {
		report.Set(sub.Name, s.Name, NotFor)
		t.Skip("n/a: " + why)
	}
	if s.NeedsRoot && os.Getuid() != 0 {
		t.Skip("NOT TESTED: this needs root")
	}
	outcome := Passed
	if module := sub.Lacks(s); module != "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("nginx has no %s", module)
		}
		t.Skipf("NGINX IS NOT TESTED: it has no %s (scripts/install-test-deps)", module)
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

// findWeir returns the subject weir, built without cgo when no binary is named.
func findWeir(t *testing.T) *Subject {
	t.Helper()
	if bin := os.Getenv("WEIR_BIN"); bin != "" {
		return Weir(absolute(t, bin))
	}
	if _, err := os.Stat("../cmd/weir"); err != nil {
		t.Skip("WEIR IS NOT TESTED: WEIR_BIN is not set and cmd/weir does not exist")
	}
	bin := filepath.Join(t.TempDir(), "weir")
	build := exec.Command("go", "build", "-o", bin, "../cmd/weir")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building weir: %v\n%s", err, out)
	}
	return Weir(bin)
}

// findNginx returns the subject nginx. Where it is missing the test is skipped, or fails when CI=true.
func findNginx(t *testing.T) *Subject {
	t.Helper()
	bin := os.Getenv("NGINX_BIN")
	if bin == "" {
		bin = "/usr/sbin/nginx"
	}
	sub, err := Nginx(absolute(t, bin), absolute(t, "testdata/njs/mqtt.js"))
	if err != nil && os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skipf("NGINX IS NOT TESTED: %v (install nginx, libnginx-mod-stream and libnginx-mod-stream-js, or set NGINX_BIN)", err)
	}
	return sub
}

// absolute returns the full path: subjects run in directories of their own.
func absolute(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

// publish prints and writes the table as the flags ask.
func publish(t *testing.T, report *Report) {
	t.Helper()
	if *table {
		report.WriteText(os.Stdout)
	}
	if *writeTo == "" {
		return
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
