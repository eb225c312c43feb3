package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A target is a processor that weir is built for.
type target struct {
	name string // in the names of archives
	arch string // GOARCH
	arm  string // GOARM
}

var targets = []target{
	{name: "amd64", arch: "amd64"},
	{name: "arm64", arch: "arm64"},
	{name: "riscv64", arch: "riscv64"},
	{name: "armv7", arch: "arm", arm: "7"},
}

// A release is the state of one run.
type release struct {
	root, out  string
	maintainer string
	number     string // "0.1.0"
	prerelease string // "pre20260131235959", which sorts before the release; empty for a tagged commit
	version    string // number and prerelease, in the notation of semantic versions
	time       time.Time
	commit     bool // whether git names the commit
	notices    []notice
	binaries   map[target][]byte
}

func newRelease(root, out, maintainer string) (*release, error) {
	r := &release{maintainer: maintainer, binaries: map[target][]byte{}}
	var err error
	if r.root, err = filepath.Abs(root); err != nil {
		return nil, err
	}
	if r.out, err = filepath.Abs(out); err != nil {
		return nil, err
	}
	if r.time, r.commit, err = sourceTime(r.root); err != nil {
		return nil, err
	}
	if err := r.setVersion(); err != nil {
		return nil, err
	}
	r.notices, err = readNotices(r.root)
	return r, err
}

// sourceTime returns the time of all files: SOURCE_DATE_EPOCH, or the time of the commit. It also reports whether git names the
// commit.
func sourceTime(root string) (t time.Time, commit bool, err error) {
	stamp, gitErr := git(root, "log", "-1", "--format=%ct")
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		stamp = epoch
	} else if gitErr != nil {
		return t, false, errors.New("git does not name the commit: set SOURCE_DATE_EPOCH to the time of the sources")
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	return time.Unix(seconds, 0).UTC(), gitErr == nil, err
}

var versionLine = regexp.MustCompile(`(?m)^weir version: weir/(\d+\.\d+\.\d+)$`)

// setVersion asks the program for its number. A commit without the tag of this number is a prerelease.
func (r *release) setVersion() error {
	cmd := r.command("go", "run", "./cmd/weir", "-v")
	cmd.Stderr = nil
	text, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%v: %w: %s", cmd.Args, err, text)
	}
	m := versionLine.FindSubmatch(text)
	if m == nil {
		return fmt.Errorf("weir -v does not show the version: %s", text)
	}
	r.number, r.version = string(m[1]), string(m[1])
	if tag, err := git(r.root, "describe", "--tags", "--exact-match", "--match", "v*"); err == nil {
		if tag != "v"+r.number {
			return fmt.Errorf("the commit has the tag %s, and weir -v shows %s", tag, r.number)
		}
		return nil
	}
	r.prerelease = "pre" + r.time.Format("20060102150405")
	r.version += "-" + r.prerelease
	return nil
}

func git(root string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = root
	out, err := cmd.Output()
	return strings.TrimSpace(string(out)), err
}

// command returns a command in the repository.
func (r *release) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = r.root
	cmd.Stderr = os.Stderr
	return cmd
}

// build returns the binary for a processor.
func (r *release) build(t target, temp string) ([]byte, error) {
	path := filepath.Join(temp, "weir-"+t.name)
	cmd := r.command("go", "build", "-trimpath", "-ldflags=-s -w", "-buildvcs="+strconv.FormatBool(r.commit), "-o", path, "./cmd/weir")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+t.arch, "GOARM="+t.arm, "GOAMD64=v1", "GOFLAGS=-mod=readonly")
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// source returns a file of the repository.
func (r *release) source(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(r.root, path))
}

// write creates a file of the release.
func (r *release) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(r.out, name), data, 0o644)
}
