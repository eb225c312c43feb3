package runtime

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"weir/directives"
	"weir/parser"
)

func TestDaemonIsTheDefault(t *testing.T) {
	tests := []struct {
		name, conf, globals string
		want                bool
	}{
		{"nothing said", "events {}", "", true},
		{"on", "daemon on;", "", true},
		{"off", "daemon off;", "", false},
		{"in capitals", "daemon OFF;", "", false},
		{"on the command line", "events {}", "daemon off;", false},
		{"in a block", "x { daemon off; }", "", true},
		{"broken: complained about in front", "events {", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := parser.Source{Path: "/n.conf", Text: []byte(tt.conf), Globals: tt.globals}
			if got := wantsDaemon(src); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestReadPid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pid")
	tests := []struct {
		name, text string
		want       int
		err        string
	}{
		{"as written", "123\n", 123, ""},
		{"without an end", "123", 123, ""},
		{"from elsewhere", "123\r\n", 123, ""},
		{"empty", "", 0, `invalid PID number "" in "` + path + `"`},
		{"zero", "0\n", 0, `invalid PID number "0" in "` + path + `"`},
		{"a group", "-1\n", 0, `invalid PID number "-1" in "` + path + `"`},
		{"too large", "99999999999\n", 0, `invalid PID number "99999999999" in "` + path + `"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tt.text), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := readPid(path)
			said := ""
			if err != nil {
				said = err.Error()
			}
			if got != tt.want || said != tt.err {
				t.Errorf("got %d, %v, want %d, %s", got, said, tt.want, tt.err)
			}
		})
	}
}

func TestWorkingDirectory(t *testing.T) {
	dir := t.TempDir()
	tests := []struct {
		name, dir, prefix string
		want              []string // logged
		moves             bool
	}{
		{"none", "", "/p/", nil, false},
		{"there", dir, "/p/", nil, true},
		{"not there", dir + "/no", "/p/", []string{`[alert] chdir("` + dir + `/no") failed (2: No such file or directory)`}, false},
		{"relative prefix", dir, "p/", []string{`[warn] "working_directory" has no effect with the relative prefix "p/"`}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := t.TempDir()
			t.Chdir(before)
			var log recorder
			changeDir(tt.dir, paths{prefix: tt.prefix, conf: "/n.conf"}, &console{errorLog: log.log()})
			if got := log.take(); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got, _ := os.Getwd(); (got == dir) != tt.moves {
				t.Errorf("got directory %s", got)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		n    uint64
		want []string // logged
	}{
		{"not given", 0, nil},
		{"possible", uint64(now.Max), nil},
		{"more than the kernel has", 1 << 40, []string{"[alert] setrlimit(RLIMIT_NOFILE, 1099511627776) failed (1: Operation not permitted)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log recorder
			applyLimits(&directives.Main{RlimitNofile: tt.n}, &console{errorLog: log.log()})
			if got := log.take(); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestDescriptorLimitOfTheConfigurationApplies raises the descriptor limit with a configuration.
func TestDescriptorLimitOfTheConfigurationApplies(t *testing.T) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	lower := before
	lower.Cur = before.Max - 1
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lower); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Setrlimit(unix.RLIMIT_NOFILE, &before) })
	b := newTestMaster(t)
	p := b.program(freeAddr(t))
	p.Main.RlimitNofile = uint64(before.Max)
	b.serve(p)
	if _, limit := b.env.Descriptors.Limits(); uint64(limit) != uint64(before.Max) {
		t.Errorf("sessions go by a limit of %d, want %d", limit, before.Max)
	}
}

func TestWarningOfTheOpenFileLimit(t *testing.T) {
	var now unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &now); err != nil {
		t.Fatal(err)
	}
	const many = math.MaxInt
	currently := int(min(uint64(now.Cur), many))
	exceed := func(limit uint64) []string {
		return []string{fmt.Sprintf("[warn] %d worker_connections exceed open file resource limit: %d", many, limit)}
	}
	tests := []struct {
		name        string
		connections int
		limit       uint64
		want        []string // logged
	}{
		{"as many as the system allows", currently, 0, nil},
		{"more", many, 0, exceed(uint64(now.Cur))},
		{"as many as the configuration allows", many, many, nil},
		{"more than it allows", many, many / 2, exceed(many / 2)},
		{"a configured limit below that of the system", currently, 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log recorder
			warnOfOpenFiles(&directives.Main{WorkerConnections: tt.connections, RlimitNofile: tt.limit}, &console{errorLog: log.log()})
			if got := log.take(); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestStandardErrorIsKeptIfALogUsesIt(t *testing.T) {
	p := newTestMaster(t).program()
	p.Main.ErrorLogFile, p.Main.StderrLogged = "/error.log", true
	if file := redirectStderr(p); file != nil {
		t.Errorf("standard error is redirected to %s", file.Path())
	}
}
