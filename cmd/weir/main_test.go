package main

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/tools/txtar"

	"weir/conformance/installed"
)

// binary is the path of weir, built for the tests in the same way as a release.
var binary string

// The nginx to compare with, and its stream module, which is a separate file in Debian.
const (
	nginx       = "/usr/sbin/nginx"
	nginxStream = "/usr/lib/nginx/modules/ngx_stream_module.so"
)

func TestMain(m *testing.M) {
	receiveIgnored()
	os.Exit(withBinary(m.Run))
}

// receiveIgnored makes the process receive the signals that a shell lets programs in the background
// ignore, so that the commands which it runs do not ignore them either.
func receiveIgnored() {
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

func withBinary(run func() int) int {
	dir, err := os.MkdirTemp("", "weir")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "weir")
	build := exec.Command("go", "build", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	return run()
}

// A result is the output of a command and its exit code.
type result struct {
	stdout, stderr string
	code           int
}

func (r result) String() string {
	return fmt.Sprintf("-- stdout --\n%s-- stderr --\n%s-- code --\n%d", r.stdout, r.stderr, r.code)
}

// command runs program in dir and waits for its end.
func command(t *testing.T, dir, program string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &stdout, &stderr
	var failed *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	plain := func(b bytes.Buffer) string { return withoutRandomText(strings.ReplaceAll(b.String(), dir, "$DIR")) }
	return result{plain(stdout), plain(stderr), cmd.ProcessState.ExitCode()}
}

var (
	dates   = regexp.MustCompile(`\d{4}/\d\d/\d\d \d\d:\d\d:\d\d`)
	numbers = regexp.MustCompile(`\d+#\d+`)
)

// withoutRandomText replaces the parts of a text that differ between runs.
func withoutRandomText(text string) string {
	return numbers.ReplaceAllString(dates.ReplaceAllString(text, "DATE"), "PID")
}

// TestCommandLines runs each script of testdata on weir and on nginx, which must agree exactly. The file
// args contains one argument per line; stdout, stderr and code contain the result; the others exist when
// the command starts. A script with "weir alone" in its comment tests something that nginx does not have.
func TestCommandLines(t *testing.T) {
	scripts, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, path := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			t.Parallel()
			script, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Run("weir", func(t *testing.T) { runScript(t, script, binary) })
			t.Run("nginx", func(t *testing.T) {
				if strings.Contains(string(script.Comment), "weir alone") {
					t.Skip("not in nginx")
				}
				needNginx(t)
				runScript(t, script, nginx)
			})
		})
	}
}

// needNginx skips the test if there is no nginx to compare with; in CI the test fails.
func needNginx(t *testing.T) {
	t.Helper()
	for _, path := range []string{nginx, nginxStream} {
		if _, err := os.Stat(path); err == nil {
			continue
		}
		installed.Missing(t, path+" is missing: not compared with nginx")
	}
}

func runScript(t *testing.T, script *txtar.Archive, program string) {
	t.Helper()
	dir := t.TempDir()
	var want result
	var args []string
	for _, f := range script.Files {
		text := string(f.Data)
		switch f.Name {
		case "args":
			args = strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "$DIR", dir), "\n"), "\n")
		case "stdout":
			want.stdout = text
		case "stderr":
			want.stderr = text
		case "code":
			want.code, _ = strconv.Atoi(strings.TrimSpace(text))
		default:
			write(t, filepath.Join(dir, f.Name), strings.ReplaceAll(text, "$DIR", dir))
		}
	}
	defer endDaemons(t, dir, program)
	if got := command(t, dir, program, args...); got != want {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestBinaryIsStatic(t *testing.T) {
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("has a segment %v", p.Type)
		}
	}
}

func TestBinaryHasNoTestDependencies(t *testing.T) {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range info.Deps {
		for _, foreign := range []string{"mochi", "paho", "goleak", "x/tools", "websocket"} {
			if strings.Contains(d.Path, foreign) {
				t.Errorf("links %s", d.Path)
			}
		}
	}
}
