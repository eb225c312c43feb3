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

	"weir/conformance/installed"
	"weir/conformance/nginx"
	"weir/directives/conf"
)

// An oracle is a real nginx.
type oracle struct {
	build   *nginx.Build
	modules []string // the directives that load its modules
}

// newOracle finds nginx.
func newOracle(t *testing.T) *oracle {
	t.Helper()
	o := &oracle{build: installed.Nginx(t)}
	o.load(t, nginx.Stream)
	return o
}

// load adds a module.
func (o *oracle) load(t *testing.T, name string) {
	t.Helper()
	installed.Module(t, o.build, name)
	o.modules = append(o.modules, o.build.Load(name))
}

// loadModules returns the directives that load its modules.
func (o *oracle) loadModules() string { return strings.Join(o.modules, "") }

// knows returns the rows for directives that this nginx has.
func (o *oracle) knows(t *testing.T) (rows []*conf.Row) {
	t.Helper()
	elsewhere := []string{"ngx_stream_js_module", "ngx_stream_geoip_module", "ngx_mgmt_module"}
	for _, d := range served(t) {
		if d.commercial != "yes" && !slices.Contains(elsewhere, d.module) && o.hasSince(d.since) && d.name != "include" {
			rows = append(rows, rowsOf(d)...)
		}
	}
	return rows
}

// hasSince reports whether nginx has a feature that was added in a version, "1.9.0" or
// "1.1.4,1.0.7"; "-" is any version.
func (o *oracle) hasSince(since string) bool {
	first, _, _ := strings.Cut(since, ",")
	v, err := nginx.ParseVersion(first)
	return err != nil || !o.build.Version.Before(v)
}

var emergency = regexp.MustCompile(`(?m)\[emerg\] (?:\d+#\d+: )?(.*)$`)

// says returns the first error that nginx -t prints, with /p for the directory of the
// configuration; empty if there is none.
func (o *oracle) says(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, _ := exec.CommandContext(ctx, o.build.Path, "-t", "-p", dir, "-e", "stderr", "-c", path, "-g", o.loadModules()).CombinedOutput()
	m := emergency.FindSubmatch(out)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(string(m[1]), dir, "/p")
}
