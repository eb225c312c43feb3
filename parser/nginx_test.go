package parser

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"weir/conformance/installed"
)

const nginxBinary = "/usr/sbin/nginx"

// needNginx skips the test if nginx is not installed, or fails it if everything must be tested.
func needNginx(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(nginxBinary); err != nil {
		installed.Missing(t, err.Error())
	}
}

var sentence = regexp.MustCompile(`\[(?:emerg|crit)\] (?:\d+#\d+: )?(.*)`)

// nginxSays returns nginx's syntax error for a file and the text of -g, or "" if it accepts them.
func nginxSays(t *testing.T, path, globals string) string {
	t.Helper()
	before, _, _ := strings.Cut(nginxOutput(path, globals), "syntax is ok")
	if m := sentence.FindStringSubmatch(before); m != nil {
		return m[1]
	}
	return ""
}

// nginxOutput returns the whole output of nginx -t.
func nginxOutput(path, globals string) string {
	args := []string{"-e", "stderr", "-t", "-c", path}
	if globals != "" {
		args = append(args, "-g", globals)
	}
	out, _ := exec.Command(nginxBinary, args...).CombinedOutput()
	return string(out)
}

// weirSays returns the error of Load for a source, or "" if it accepts it.
func weirSays(src Source) string {
	_, list := Load(src)
	if err := list.Err(); err != nil {
		return err.Error()
	}
	return ""
}

// write writes a file in dir and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// same checks that weir and nginx both report want, in which FILE stands for path and DIR for its
// directory.
func same(t *testing.T, path, globals, want string) {
	t.Helper()
	anonymous := strings.NewReplacer(path, "FILE", filepath.Dir(path), "DIR")
	if got := anonymous.Replace(weirSays(Source{Path: path, Globals: globals})); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	t.Run("nginx", func(t *testing.T) {
		needNginx(t)
		if got := anonymous.Replace(nginxSays(t, path, globals)); got != want {
			t.Errorf("nginx says %q, want %q", got, want)
		}
	})
}
