package directives

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"weir/directives/spec"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream/upstream"
)

// onlyStream is a stream {} that holds upstream blocks and nothing else.
var onlyStream = &spec.Module[struct{}]{
	Name: "stream",
	Entries: []spec.Entry[struct{}]{{Name: "stream", In: spec.Main, Body: spec.Nested, Set: func(_ *struct{}, call *spec.Call) {
		level := call.Nest(spec.Stream)
		if call.Complete() {
			call.Compiler().FinishStream(level, nil)
		}
	}, Args: spec.None}},
}

// TestUpstream compiles every testdata/upstream/*.txtar and compares what is said, as far as nginx would have come, and what the
// groups are. Where nginx is installed it must say the same, but for files whose comment bounds the comparison.
func TestUpstream(t *testing.T) {
	files, err := filepath.Glob("testdata/upstream/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			c := readUpstreamCase(t, file)
			said, groups := compileUpstreams(t, c.conf)
			checkText(t, "weir says", said, c.said)
			checkText(t, "groups", groups, c.groups)
			if !c.weirOnly {
				checkText(t, "nginx says", nginxSays(t, c.conf), c.said)
			}
		})
	}
}

// An upstreamCase is a configuration, what is said about it, and the groups that it makes; none if it is refused.
type upstreamCase struct {
	conf, said, groups string
	weirOnly           bool
}

func readUpstreamCase(t *testing.T, file string) upstreamCase {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := upstreamCase{weirOnly: notOnNginx.Match(ar.Comment)}
	for _, f := range ar.Files {
		switch f.Name {
		case "nginx.conf":
			c.conf = string(f.Data)
		case "said":
			c.said = string(f.Data)
		case "groups":
			c.groups = string(f.Data)
		default:
			t.Fatalf("unknown file %s", f.Name)
		}
	}
	return c
}

func checkText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

// compileUpstreams compiles a configuration and returns the warnings up to the first error with it, and the groups.
func compileUpstreams(t *testing.T, conf string) (said, groups string) {
	t.Helper()
	tree, faults := parser.Load(parser.Source{Path: "nginx.conf", Text: []byte(conf)})
	c := spec.NewCompiler([]spec.AnyModule{onlyStream, upstreamModule}, &spec.Env{LookupHost: lookupExample})
	c.Walk(tree.Root)
	spec.At[upstreamConf](c.Main).zones.finish(c.Config)
	for _, d := range append(c.Diagnostics(), faults...) {
		said += fmt.Sprintf("[%s] %s\n", d.Severity, d.Error())
		if d.Severity != diag.Warn {
			return said, ""
		}
	}
	if unmade := saidOfZones(c.Config); unmade != "" {
		return said + unmade, ""
	}
	for _, p := range c.Config.Parts {
		groups += describeGroup(p.(*upstream.Group))
	}
	return said, groups
}

// lookupExample knows one name of two addresses, and localhost.
func lookupExample(name string) ([]netip.Addr, error) {
	switch name {
	case "b.example":
		return []netip.Addr{netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("192.0.2.7")}, nil
	case "localhost":
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	return nil, errors.New("no such host")
}

func describeGroup(g *upstream.Group) string {
	text := fmt.Sprintf("%s %T\n", g.Name, g.Method)
	for _, p := range g.Peers() {
		text += fmt.Sprintf("  %s as %s weight=%d max_conns=%d max_fails=%d fail_timeout=%s",
			p.Server, p.Name, p.Weight, p.MaxConns, p.MaxFails, p.FailTimeout)
		if p.SlowStart > 0 {
			text += " slow_start=" + p.SlowStart.String()
		}
		if p.Down {
			text += " down"
		}
		if p.Backup {
			text += " backup"
		}
		text += "\n"
	}
	return text
}

// streamPlugin is where Debian puts nginx's stream module.
const streamPlugin = "/usr/lib/nginx/modules/ngx_stream_module.so"

var nginxLine = regexp.MustCompile(`(?m)^.*(\[(?:warn|emerg)\]) \d+#\d+: (.*)$`)

// nginxSays is what nginx -t prints about a configuration, without times and process numbers.
func nginxSays(t *testing.T, conf string) string {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("MISSING: nginx: nothing to compare with")
		}
		t.Skip("MISSING: nginx: nothing to compare with")
	}
	dir := t.TempDir()
	prelude := "pid p; error_log stderr; events {} "
	if _, err := os.Stat(streamPlugin); err == nil {
		prelude = "load_module " + streamPlugin + "; " + prelude
	}
	path := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(path, []byte(prelude+conf), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(nginx, "-t", "-p", dir, "-e", "stderr", "-c", path).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	said := ""
	for _, m := range nginxLine.FindAllStringSubmatch(strings.ReplaceAll(string(out), dir+"/", ""), -1) {
		said += m[1] + " " + m[2] + "\n"
	}
	return said
}
