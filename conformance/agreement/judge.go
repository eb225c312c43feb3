package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"weir/conformance/nginx"
)

// A verdict is a program's result for a configuration: all lines that -t prints, and the exit
// status. Directories, times and process numbers are removed.
type verdict struct {
	lines []string
	code  int
}

func (v verdict) String() string {
	return fmt.Sprintf("%s\nexit %d", strings.Join(v.lines, "\n"), v.code)
}

// firstError returns the first line above the level of a warning; empty if there is none.
func (v verdict) firstError() string {
	for _, line := range v.lines {
		if strings.HasPrefix(line, "[") && !strings.HasPrefix(line, "[warn]") && !strings.HasPrefix(line, "[notice]") {
			return line
		}
	}
	return ""
}

// A program is weir or nginx, with its own directory for testing configurations.
type program struct {
	bin   string
	dir   string
	build *nginx.Build // the configuration loads its modules, for both programs
}

// tooLong limits one run, which normally takes some milliseconds.
const tooLong = 30 * time.Second

// test makes the program test the configuration.
func (p *program) test(ctx context.Context, t trial) (verdict, error) {
	if err := os.WriteFile(p.path("nginx.conf"), []byte(t.conf), 0o600); err != nil {
		return verdict{}, err
	}
	globals := load(p.build, t.conf)
	if !t.owned {
		globals += "pid nginx.pid; "
	}
	globals += t.globals
	ctx, cancel := context.WithTimeout(ctx, tooLong)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.bin, "-t", "-p", p.dir, "-c", p.path("nginx.conf"), "-g", globals)
	cmd.Dir = p.dir
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return verdict{}, fmt.Errorf("%s: %w", t.name, err)
	}
	return verdict{p.plain(string(out)), cmd.ProcessState.ExitCode()}, nil
}

// further lists the other modules that may be files, each with the text that shows that a
// configuration needs it.
var further = []struct{ module, sign string }{
	{nginx.GeoIP, "geoip_"},
	{nginx.JS, "js_"},
}

// load returns the load_module directives that the configuration needs: a process with fewer
// modules starts sooner.
func load(b *nginx.Build, conf string) string {
	directives := b.Load(nginx.Stream)
	for _, one := range further {
		if strings.Contains(conf, one.sign) {
			directives += b.Load(one.module)
		}
	}
	return directives
}

// dated matches the start of an error log line.
var dated = regexp.MustCompile(`^(?:\d{4}/\d\d/\d\d \d\d:\d\d:\d\d|nginx:) (\[\w+\]) (?:\d+#\d+: )?`)

// ofLibrary matches lines that MaxMind's library prints between those of nginx.
var ofLibrary = regexp.MustCompile(`^Error (Opening|reading) file `)

// plain returns the lines that the program itself printed, without their date or program name.
func (p *program) plain(out string) (lines []string) {
	out = strings.ReplaceAll(out, p.dir, "/p")
	for line := range strings.Lines(out) {
		if ofLibrary.MatchString(line) {
			continue
		}
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "angie: "); ok {
			line = "nginx: " + rest
		}
		lines = append(lines, dated.ReplaceAllString(line, "$1 "))
	}
	return lines
}

func (p *program) path(name string) string { return filepath.Join(p.dir, name) }

// fixtures are the files that a configuration may include or open.
var fixtures = map[string]string{
	"lines":         "b 2;\n",
	"networks":      "10.1.0.0/16 2;\n",
	"networks.conf": "# nothing\nproxy_timeout 1h;\n",
	"faulty":        "b 2\n",
	"empty.conf":    "# nothing\n",
	"unclosed.conf": "stream {\n",
	"closing.conf":  "}\n",
	"unended.conf":  "\n\nx",
	"faulty.conf":   "\nunknown;\n",
	"dir/file":      "",
}

// newProgram creates the program's directory below root. Names of equal length give paths of equal
// length.
func newProgram(bin string, b *nginx.Build, root, name string) (*program, error) {
	p := &program{bin, filepath.Join(root, name), b}
	for file, text := range fixtures {
		path := p.path(file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return nil, err
		}
	}
	return p, nil
}
