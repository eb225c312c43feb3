package directives

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/directives/spec"
)

// A trial is a configuration that is wrong in one way, for nginx and weir to judge.
type trial struct{ name, conf string }

// trialsOf are the ways in which the row's directive can be wrong that nginx's own tables decide.
func trialsOf(t *testing.T, r *spec.Row) []trial {
	t.Helper()
	in, _ := firstPlace(r)
	block := r.Body != spec.Simple
	all := []trial{
		{"wrong ending", place(in, written(r.Name, words(1), !block))},
		{"too many", place(in, written(r.Name, words(mostTried), block))},
		{"none", place(in, written(r.Name, nil, block))},
	}
	for _, p := range places {
		if everywhere(r.Name)&p.context == 0 && p.context != spec.Mgmt {
			all = append(all, trial{"in " + p.name, place(p.context, written(r.Name, words(1), block))})
		}
	}
	if r.Support != spec.Refused && !r.Repeat {
		all = append(all, trial{"twice", duplicate(r, in)})
	}
	return all
}

// tableWords are how nginx begins the sentences that its tables make it say. What other code of a directive says is not compared
// here: it may come before weir's refusal of what it does not serve.
var tableWords = regexp.MustCompile(`^(directive "|invalid number of arguments|"\S+" directive is (not allowed here|duplicate))`)

// oneIn is how many trials there are for each that is made; the choice is the same in every run.
const oneIn = 5

// TestNginxAgrees makes a sample of the trials on nginx, and compares the sentence and the line.
func TestNginxAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("runs nginx many times")
	}
	nginx := newOracle(t)
	number := 0
	for _, r := range nginx.knows(t) {
		for _, c := range trialsOf(t, r) {
			if number++; number%oneIn != 0 {
				continue
			}
			t.Run(r.Module+" "+r.Name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				said := nginx.says(t, c.conf)
				if got := firstError(t, c.conf); tableWords.MatchString(said) && got != said {
					t.Errorf("weir says %q, nginx says %q, for\n%s", got, said, c.conf)
				}
			})
		}
	}
}

// An oracle is Debian's nginx with its stream module.
type oracle struct {
	bin     string
	modules []string // the files that it loads
}

func newOracle(t *testing.T) *oracle {
	t.Helper()
	o := &oracle{bin: "/usr/sbin/nginx"}
	o.want(t, o.bin, "nginx")
	o.load(t, "ngx_stream_module")
	return o
}

// load adds a module.
func (o *oracle) load(t *testing.T, name string) {
	t.Helper()
	file := "/usr/lib/nginx/modules/" + name + ".so"
	o.want(t, file, name)
	o.modules = append(o.modules, file)
}

// want ends the test when a file of nginx is missing.
func (o *oracle) want(t *testing.T, file, name string) {
	t.Helper()
	if _, err := os.Stat(file); err == nil {
		return
	}
	why := "NOT COMPARED WITH NGINX: it has no " + name + " (scripts/install-test-deps)"
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// loadModules are the directives that load its modules.
func (o *oracle) loadModules() string {
	var b strings.Builder
	for _, file := range o.modules {
		b.WriteString("load_module " + file + ";")
	}
	return b.String()
}

// knows are the rows for directives that nginx 1.22 has in this build.
func (o *oracle) knows(t *testing.T) (rows []*spec.Row) {
	t.Helper()
	elsewhere := []string{"ngx_stream_js_module", "ngx_stream_geoip_module", "ngx_mgmt_module"}
	for _, d := range served(t) {
		if d.commercial != "yes" && !slices.Contains(elsewhere, d.module) && before123(d.since) && d.name != "include" {
			rows = append(rows, rowsOf(d)...)
		}
	}
	return rows
}

// before123 reports whether a version, "1.9.0" or "1.1.4,1.0.7", is older than 1.23; "-" is.
func before123(since string) bool {
	_, rest, _ := strings.Cut(since, ".")
	minor, _, _ := strings.Cut(rest, ".")
	return len(minor) < 2 || minor < "23"
}

var emergency = regexp.MustCompile(`(?m)\[emerg\] (?:\d+#\d+: )?(.*)$`)

// says is the first error that nginx -t prints, with /p for the directory of the configuration; empty if there is none.
func (o *oracle) says(t *testing.T, conf string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, _ := exec.CommandContext(ctx, o.bin, "-t", "-p", dir, "-e", "stderr", "-c", path, "-g", o.loadModules()).CombinedOutput()
	m := emergency.FindSubmatch(out)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(string(m[1]), dir, "/p")
}
