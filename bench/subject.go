//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// A subject is a measured program, ready to be started.
type subject struct {
	name    string
	version string
	bin     string // empty puts the load on the broker directly
	module  string // nginx: the file of the stream module, if it is not built in
	bare    bool   // weir without log, zones and timeouts
	// uncounted: weir without zone and status_zone
	uncounted bool
	reload    syscall.Signal // signal for a reload
	tcpOnly   bool
}

// kinds lists the possible subjects, in the order of the table, each with a function that finds it.
var kinds = []struct {
	name string
	find func(ctx context.Context, dir string) (*subject, error)
}{
	{"direct", findDirect},
	{"nginx", findNginx},
	{"haproxy", findHAProxy},
	{"weir", findWeir},
	{"weir-bare", findBareWeir},
	{"weir-uncounted", findUncountedWeir},
	{"weir-old", findOldWeir},
}

// errNotInstalled reports that a subject can be omitted.
var errNotInstalled = errors.New("not installed")

func subjectNames() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// subjectsNamed returns the names in the order of the table.
func subjectsNamed(names []string) ([]string, error) {
	wanted, err := choose("subject", names, subjectNames())
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(subjectNames(), func(n string) bool { return !wanted[n] }), nil
}

// findSubjects finds the subjects with those names. The notes list those that are not installed;
// weir is required. Built binaries go to dir.
func findSubjects(ctx context.Context, names []string, dir string, notes *notes) ([]*subject, error) {
	var all []*subject
	for _, k := range kinds {
		if !slices.Contains(names, k.name) {
			continue
		}
		s, err := k.find(ctx, dir)
		if errors.Is(err, errNotInstalled) {
			notes.add("%s is %v: left out", k.name, err)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", k.name, err)
		}
		s.name = k.name
		all = append(all, s)
	}
	return all, nil
}

func findDirect(context.Context, string) (*subject, error) {
	return &subject{version: "the broker without a proxy"}, nil
}

func findNginx(ctx context.Context, _ string) (*subject, error) {
	bin := os.Getenv("NGINX_BIN")
	if bin == "" {
		var err error
		if bin, err = installed("nginx"); err != nil {
			return nil, err
		}
	}
	built, err := output(ctx, bin, "-V")
	if err != nil {
		return nil, err
	}
	version, _, _ := strings.Cut(strings.TrimPrefix(built, "nginx version: "), "\n")
	s := &subject{version: version, bin: bin, reload: syscall.SIGHUP}
	if strings.Contains(built, "--with-stream=dynamic") {
		s.module = filepath.Join(argument(built, "--modules-path"), "ngx_stream_module.so")
		if _, err := os.Stat(s.module); err != nil {
			return nil, fmt.Errorf("its stream module is %w", errNotInstalled)
		}
	}
	return s, nil
}

// argument returns the value of one of configure's arguments from the output of nginx -V.
func argument(built, name string) string {
	m := regexp.MustCompile(name + `=(\S+)`).FindStringSubmatch(built)
	if m == nil {
		return ""
	}
	return m[1]
}

func findHAProxy(ctx context.Context, _ string) (*subject, error) {
	bin, err := installed("haproxy")
	if err != nil {
		return nil, err
	}
	version, err := output(ctx, bin, "-v")
	if err != nil {
		return nil, err
	}
	version, _, _ = strings.Cut(strings.TrimPrefix(version, "HAProxy version "), " ")
	return &subject{version: "haproxy/" + version, bin: bin, reload: syscall.SIGUSR2, tcpOnly: true}, nil
}

func findWeir(ctx context.Context, dir string) (*subject, error) {
	bin, commit := os.Getenv("WEIR_BIN"), ""
	if bin == "" {
		bin = filepath.Join(dir, "weir")
		if err := buildWeir(ctx, bin); err != nil {
			return nil, err
		}
		commit = sourceCommit(ctx)
	}
	bin, err := filepath.Abs(bin)
	if err != nil {
		return nil, err
	}
	version, err := output(ctx, bin, "-v")
	if err != nil {
		return nil, err
	}
	version = strings.TrimPrefix(firstLine(version), "weir version: ")
	return &subject{version: version + commit, bin: bin, reload: syscall.SIGHUP}, nil
}

func findBareWeir(ctx context.Context, dir string) (*subject, error) {
	s, err := findWeir(ctx, dir)
	if err != nil {
		return nil, err
	}
	s.bare = true
	return s, nil
}

// findUncountedWeir finds weir without zone and status_zone, to compare weir with: the difference is
// the cost of its counters.
func findUncountedWeir(ctx context.Context, dir string) (*subject, error) {
	s, err := findWeir(ctx, dir)
	if err != nil {
		return nil, err
	}
	s.uncounted = true
	return s, nil
}

// findOldWeir finds an earlier build of weir, named by WEIR_OLD_BIN.
func findOldWeir(ctx context.Context, _ string) (*subject, error) {
	bin := os.Getenv("WEIR_OLD_BIN")
	if bin == "" {
		return nil, errNotInstalled
	}
	version, err := output(ctx, bin, "-v")
	if err != nil {
		return nil, err
	}
	return &subject{version: strings.TrimPrefix(firstLine(version), "weir version: "), bin: bin, reload: syscall.SIGHUP}, nil
}

// buildWeir builds the binary once, like `make build`.
func buildWeir(ctx context.Context, bin string) error {
	if _, err := os.Stat(bin); err == nil {
		return nil
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-o", bin, "weir/cmd/weir")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	return nil
}

// sourceCommit returns the commit that weir was built from, or an empty string without a Git
// history.
func sourceCommit(ctx context.Context) string {
	commit, err := output(ctx, "git", "describe", "--always", "--dirty")
	if err != nil {
		return ""
	}
	return " at " + strings.TrimSpace(commit)
}

// installed looks for a program in PATH and in Debian's directory for daemons.
func installed(name string) (string, error) {
	if bin, err := exec.LookPath(name); err == nil {
		return bin, nil
	}
	bin := filepath.Join("/usr/sbin", name)
	if _, err := os.Stat(bin); err != nil {
		return "", errNotInstalled
	}
	return bin, nil
}

func output(ctx context.Context, bin string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, bin, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", bin, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
