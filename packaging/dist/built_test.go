package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// buildOnce builds the release that the slow tests examine, below a directory that TestMain removes.
var (
	builtDir  string
	buildOnce = sync.OnceValue(func() error {
		return run("../..", filepath.Join(builtDir, "first"), "The weir authors <weir@localhost>")
	})
)

func TestMain(m *testing.M) {
	var err error
	if builtDir, err = os.MkdirTemp("", "weir-release-"); err != nil {
		panic(err)
	}
	code := m.Run()
	if err := os.RemoveAll(builtDir); err != nil {
		panic(err)
	}
	os.Exit(code)
}

// built returns the directory of a release: WEIR_RELEASE, or one that is built now. A short run skips the test.
func built(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("takes minutes: make test-packages")
	}
	if dir := os.Getenv("WEIR_RELEASE"); dir != "" {
		return dir
	}
	if err := buildOnce(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(builtDir, "first")
}

// artifact returns the only file of a release that matches a pattern.
func artifact(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(built(t), pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s matches %q (%v)", pattern, found, err)
	}
	return found[0]
}

// machine returns the target that runs on this machine.
func machine(t *testing.T) target {
	t.Helper()
	i := slices.IndexFunc(targets, func(x target) bool { return x.arch == runtime.GOARCH })
	if i < 0 {
		t.Skipf("NOT RUN: no package is for %s", runtime.GOARCH)
	}
	return targets[i]
}

// needs skips a test where a program or root's rights are missing, and fails it where CI=true.
func needs(t *testing.T, root bool, programs ...string) {
	t.Helper()
	var missing error
	for _, name := range programs {
		_, err := exec.LookPath(name)
		missing = errors.Join(missing, err)
	}
	if root && os.Geteuid() != 0 {
		missing = errors.Join(missing, errors.New("needs root"))
	}
	if missing == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skipf("NOT RUN: %v", missing)
}

// output runs a command, and returns what it prints.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %v: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// TestReproducible builds the release again, and compares all bytes.
func TestReproducible(t *testing.T) {
	first, second := built(t), filepath.Join(builtDir, "second")
	if err := run("../..", second, "The weir authors <weir@localhost>"); err != nil {
		t.Fatal(err)
	}
	compareDirs(t, first, second)
	if err := os.RemoveAll(second); err != nil {
		t.Fatal(err)
	}
}

func TestChecksums(t *testing.T) {
	dir := built(t)
	needs(t, false, "sha256sum")
	cmd := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	entries, readErr := os.ReadDir(dir)
	if err != nil || readErr != nil || strings.Count(string(out), ": OK\n") != len(entries)-1 {
		t.Errorf("%v, %v:\n%s", err, readErr, out)
	}
}

// TestLintian accepts only the tags that packaging/lintian-overrides explains.
func TestLintian(t *testing.T) {
	built(t)
	needs(t, false, "lintian")
	for _, arch := range []string{"amd64", "arm64", "armhf", "riscv64"} {
		out, err := exec.Command("lintian", "--fail-on", "error,warning", artifact(t, "*_"+arch+".deb")).CombinedOutput()
		said := strings.TrimSpace(strings.ReplaceAll(string(out), "running with root privileges is not recommended!", ""))
		if err != nil || said != "" {
			t.Errorf("%s: %v\n%s", arch, err, said)
		}
	}
}

// TestUnit rates the unit of the packages, and checks its syntax.
func TestUnit(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-packages")
	}
	needs(t, false, "systemd-analyze")
	unit, err := os.ReadFile("../weir.service")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "weir.service")
	if err := os.WriteFile(path, packagedUnit(unit), 0o644); err != nil {
		t.Fatal(err)
	}
	const most = "20" // tenths
	t.Log(lastLine(output(t, "systemd-analyze", "security", "--offline=yes", "--threshold="+most, path)))
	out, _ := exec.Command("systemd-analyze", "verify", path).CombinedOutput()
	for line := range strings.Lines(string(out)) {
		installed := strings.Contains(line, "is not executable: No such file") || strings.Contains(line, "Command 'man ")
		known := strings.Contains(line, "notify-reload") || strings.Contains(line, "ReloadSignal") // to systemd 253 and newer
		if !installed && !known {
			t.Errorf("systemd-analyze verify: %s", line)
		}
	}
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// TestShells lets shells and man read the files that are made for them.
func TestShells(t *testing.T) {
	if testing.Short() {
		t.Skip("make test-packages")
	}
	for _, c := range [][]string{
		{"shellcheck", "../maintainer/deb.postinst", "../maintainer/deb.prerm", "../maintainer/deb.postrm", "../maintainer/apk.pre-install"},
		{"shellcheck", "--shell=sh", "../maintainer/rpm.post", "../maintainer/rpm.preun", "../maintainer/rpm.postun"},
		{"shellcheck", "--shell=bash", "../completions/weir.bash"},
		{"zsh", "-n", "../completions/_weir"},
		{"fish", "-n", "../completions/weir.fish"},
		{"man", "--warnings", "--local-file", "../weir.8"},
		{"man", "--warnings", "--local-file", "../weir.conf.5"},
	} {
		t.Run(strings.Join(c, " "), func(t *testing.T) {
			needs(t, false, c[0])
			cmd := exec.Command(c[0], c[1:]...)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			out, err := cmd.Output()
			if err != nil || stderr.Len() > 0 {
				t.Errorf("%v: %s\n%s", err, stderr.String(), out)
			}
		})
	}
}

// TestRPM lets rpm read the packages. Nothing installs them: the tests run on Debian.
func TestRPM(t *testing.T) {
	built(t)
	needs(t, false, "rpm")
	for _, arch := range []string{"x86_64", "aarch64", "armv7hl", "riscv64"} {
		path := artifact(t, "*."+arch+".rpm")
		for query, want := range map[string][]string{
			"--list":        {"/usr/sbin/weir\n", "/usr/lib/systemd/system/weir.service\n"},
			"--configfiles": {"/etc/weir/nginx.conf\n", "/etc/logrotate.d/weir\n"},
			"--scripts":     {"systemd-sysusers weir.conf"},
			"--info":        {"License     : BSD-2-Clause", "Build Host  : localhost"},
		} {
			out := output(t, "rpm", "--query", "--package", query, path)
			for _, text := range want {
				if !strings.Contains(out, text) {
					t.Errorf("rpm %s %s does not show %q:\n%s", query, arch, text, out)
				}
			}
		}
	}
}

// TestAPK reads the packages of Alpine as the tar archives that they are. Nothing installs them.
func TestAPK(t *testing.T) {
	built(t)
	for _, arch := range []string{"x86_64", "aarch64", "armv7", "riscv64"} {
		path := artifact(t, "*_"+arch+".apk")
		out := output(t, "tar", "--ignore-zeros", "-tzf", path)
		for _, name := range []string{".PKGINFO", ".pre-install", "usr/sbin/weir", "etc/init.d/weir", "etc/weir/nginx.conf"} {
			if !slices.Contains(strings.Split(out, "\n"), name) {
				t.Errorf("%s does not have %s:\n%s", path, name, out)
			}
		}
	}
}

// TestArchive starts the binary of the archive.
func TestArchive(t *testing.T) {
	path, dir := artifact(t, "weir-*-linux-"+machine(t).name+".tar.gz"), t.TempDir()
	output(t, "tar", "-xzf", path, "-C", dir, "--strip-components=1")
	if out := output(t, filepath.Join(dir, "weir"), "-V"); !strings.Contains(out, "weir version: weir/") {
		t.Errorf("weir -V shows %s", out)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "THIRD-PARTY")); err != nil || !strings.Contains(string(text), "golang.org/x/sys") {
		t.Errorf("THIRD-PARTY has (%v) %s", err, text)
	}
}
