package directives

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"weir/conformance/nginx"
	"weir/directives/conf"
	"weir/internal/getaddrinfo"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
)

// A goldenCase is one file of testdata: the files of a configuration, the messages about it up to
// the first error, and, when it is not refused, its meaning.
//
// Its comment may contain lines that limit the comparison with nginx: "weir only" when only weir
// prints the message, and "since VERSION" when nginx prints it since that version. With "as root"
// nginx is run only if the test runs as root. "loads MODULE" names one more module that nginx
// needs, and with "needs debug" only an nginx built with debug logging is run.
type goldenCase struct {
	file     string
	archive  *txtar.Archive
	weirOnly bool
	since    nginx.Version
	debug    bool
	loads    string // empty for no more modules
}

// Names of the parts of a golden file that are not files of the configuration.
const (
	globalsPart = "globals" // the text of -g
	saidPart    = "said"
	programPart = "program"
	accessPart  = "access" // contents of the access logs after a session of each server; only for log
	errorsPart  = "errors" // contents of the error logs after a message of each level of each server; only for log
)

var (
	weirOnly   = regexp.MustCompile(`(?m)^weir only`)
	sinceWhen  = regexp.MustCompile(`(?m)^since (\d+\.\d+\.\d+)`)
	loads      = regexp.MustCompile(`(?m)^loads (\w+)`)
	asRoot     = regexp.MustCompile(`(?m)^as root`)
	needsDebug = regexp.MustCompile(`(?m)^needs debug`)
)

// goldenCases returns the cases of the folders of testdata with those names.
func goldenCases(t testing.TB, folders ...string) (cases []*goldenCase) {
	t.Helper()
	for _, folder := range folders {
		files, err := filepath.Glob("testdata/" + folder + "/*.txtar")
		if err != nil || len(files) == 0 {
			t.Fatalf("no cases in %s: %v", folder, err)
		}
		for _, file := range files {
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			alone := weirOnly.Match(ar.Comment) || asRoot.Match(ar.Comment) && os.Geteuid() != 0
			c := &goldenCase{file: file, archive: ar, weirOnly: alone, debug: needsDebug.Match(ar.Comment)}
			if m := loads.FindSubmatch(ar.Comment); m != nil {
				c.loads = string(m[1])
			}
			if m := sinceWhen.FindSubmatch(ar.Comment); m != nil {
				if c.since, err = nginx.ParseVersion(string(m[1])); err != nil {
					t.Fatal(err)
				}
			}
			cases = append(cases, c)
		}
	}
	return cases
}

func (c *goldenCase) name() string {
	return strings.TrimSuffix(strings.TrimPrefix(c.file, "testdata/"), ".txtar")
}

func (c *goldenCase) part(name string) string {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return string(f.Data)
		}
	}
	return ""
}

// set replaces a part, and removes it if text is empty.
func (c *goldenCase) set(name, text string) {
	kept := c.archive.Files[:0]
	for _, f := range c.archive.Files {
		if f.Name != name {
			kept = append(kept, f)
		}
	}
	c.archive.Files = kept
	if text != "" {
		c.archive.Files = append(kept, txtar.File{Name: name, Data: []byte(text)})
	}
}

// write rewrites the file.
func (c *goldenCase) write(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(c.file, txtar.Format(c.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

// unpack writes the files of the configuration below a new directory.
func (c *goldenCase) unpack(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o755); err != nil { // for the default access_log of http {}
		t.Fatal(err)
	}
	for _, f := range c.archive.Files {
		if slices.Contains([]string{globalsPart, saidPart, programPart, accessPart, errorsPart}, f.Name) {
			continue
		}
		path := filepath.Join(dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestGolden compiles every case, and compares the messages and the meaning of the configuration.
// Where nginx is installed it must print the same messages. With -update the files are rewritten
// instead: read the difference.
func TestGolden(t *testing.T) {
	for _, c := range goldenCases(t, "core", "http", "stream", "proxy", "mqtt_preread", "mqtt_filter", "access", "realip", "limit_conn", "return",
		"set", "pass", "map", "geo", "geoip", "geoip2", "keyval", "split_clients", "num_map", "resolver", "upstream",
		"upstream_hc", "log") {
		t.Run(c.name(), func(t *testing.T) {
			t.Parallel()
			dir := c.unpack(t)
			said, program := c.compile(dir)
			if *update {
				c.set(saidPart, said)
				c.set(programPart, program)
				c.write(t)
			}
			checkText(t, "weir says", said, c.part(saidPart))
			checkText(t, "it means", program, c.part(programPart))
			if c.weirOnly {
				return
			}
			if o := newOracle(t); !o.build.Version.Before(c.since) && (o.build.Debugs() || !c.debug) {
				checkText(t, "nginx says", c.askNginx(t, o, dir), c.part(saidPart))
			}
		})
	}
}

func checkText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\n%s\nwant:\n%s", what, got, want)
	}
}

// compile loads nginx.conf of dir, and returns weir's messages up to the first error, and the
// description of the Program.
func (c *goldenCase) compile(dir string) (said, program string) {
	env := testEnv()
	env.Prefix, env.ConfPrefix = dir+"/", dir+"/"
	env.LookupHost = func(name string) ([]netip.Addr, error) { return lookupExample(strings.ToLower(name)) }
	src := parser.Source{Path: dir + "/nginx.conf", Globals: strings.TrimSpace(c.part(globalsPart))}
	p, found := Load(src, env)
	for _, d := range found {
		said += fmt.Sprintf("[%s] %s\n", d.Severity, d.Error())
		if d.Severity != diag.Warn {
			break
		}
	}
	if p != nil {
		unmade := saidOfZones(p.Stream)
		said += unmade
		if unmade != "" {
			return withoutDir(said, dir), ""
		}
		program = describeProgram(p)
	}
	return withoutDir(said, dir), withoutDir(program, dir)
}

// saidOfZones returns the error of opening the first zone without a size.
func saidOfZones(c *stream.Config) string {
	if len(c.Parts) == 0 {
		return ""
	}
	z, unsized := c.Parts[0].(*unsizedZone)
	if !unsized {
		return ""
	}
	return fmt.Sprintf("[emerg] %v\n", z.Open(context.Background(), nil, nil))
}

// lookupExample finds one name with two addresses, and localhost.
func lookupExample(name string) ([]netip.Addr, error) {
	switch name {
	case "b.example":
		return []netip.Addr{netip.MustParseAddr("2001:db8::7"), netip.MustParseAddr("192.0.2.7")}, nil
	case "localhost":
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	if ip, ok := getaddrinfo.Numeric(name); ok {
		return []netip.Addr{ip}, nil
	}
	return nil, errors.New("no such host")
}

func withoutDir(text, dir string) string { return strings.ReplaceAll(text, dir+"/", "") }

// askNginx returns the messages of nginx -t for nginx.conf in dir. A failure to bind an address
// that this machine does not have is ignored.
func (c *goldenCase) askNginx(t *testing.T, o *oracle, dir string) (said string) {
	t.Helper()
	if c.loads != "" {
		o.load(t, c.loads)
	}
	globals := strings.TrimSpace(c.part(globalsPart))
	if !definesPid.MatchString(c.part("nginx.conf") + globals) {
		globals = "pid " + dir + "/pid; " + globals
	}
	cmd := exec.CommandContext(t.Context(), o.build.Path, "-t", "-p", dir, "-e", "stderr", "-c", dir+"/nginx.conf",
		"-g", o.loadModules()+" "+globals)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	for _, m := range nginxLine.FindAllStringSubmatch(withoutDir(string(out), dir), -1) {
		if !cannotBind.MatchString(m[2]) {
			said += m[1] + " " + m[2] + "\n"
		}
	}
	return said
}

var (
	nginxLine  = regexp.MustCompile(`(?m)^.*(\[(?:warn|emerg)\]) \d+#\d+: (.*)$`)
	definesPid = regexp.MustCompile(`(?m)(^|;)\s*pid\s`)
	cannotBind = regexp.MustCompile(`^(bind\(\) to|still could not bind)`)
)

// TestWholeConfigurationIsServedInFull checks that nothing in the configuration of an MQTT
// cluster is accepted without effect.
func TestWholeConfigurationIsServedInFull(t *testing.T) {
	ar, err := txtar.ParseFile("testdata/proxy/whole_configuration.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tree, unread := parser.Load(parser.Source{Path: "nginx.conf", Text: ar.Files[0].Data})
	if len(unread) > 0 {
		t.Fatal(unread)
	}
	checkFull(t, tree.Root)
}

func checkFull(t *testing.T, b *parser.Block) {
	t.Helper()
	for _, d := range b.Directives {
		for _, row := range conf.Rows(modules) {
			if row.Name == d.Name.Text && row.In&conf.Mgmt == 0 && row.Support != conf.Full {
				t.Errorf("%s of %s is %s", row.Name, row.Module, row.Support)
			}
		}
		if d.Body != nil {
			checkFull(t, d.Body)
		}
	}
}
