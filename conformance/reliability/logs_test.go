package reliability

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/conformance/program"
)

// A brokenLog is an access log that cannot be written.
type brokenLog struct {
	name   string
	path   string // as in access_log; $DIR is the directory of the files
	report string // a pattern of the report
}

// brokenLogs are all used at the same time.
var brokenLogs = []brokenLog{
	{"full disk", "/dev/full", `write\(\) to "/dev/full" failed \(28: No space left on device\)`},
	{"fifo that is not read", "$DIR/fifo", `log queue of "[^"]*/fifo" is full`},
	{"syslog that is gone", "syslog:server=unix:$DIR/gone", `connect\(\) failed \(111: Connection refused\) while logging to syslog, server: unix:[^,]*/gone`},
	{"syslog that does not read", "syslog:server=unix:$DIR/stuck", `send\(\) failed \(11: Resource temporarily unavailable\) while logging to syslog, server: unix:[^,]*/stuck`},
}

// breakLogs makes the files of the logs.
func breakLogs(t *testing.T, dir string) {
	t.Helper()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close() })
	for _, name := range []string{"gone", "stuck"} {
		l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, name), Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		if name == "gone" {
			l.Close() // the file remains
		}
	}
}

// endLimit is the time in which TERM ends weir, on a busy machine.
const endLimit = 5 * time.Second

// TestLogsFail breaks access logs in different ways while sessions exchange messages and clients connect.
// The traffic continues, each log is reported once a minute with the number of lost lines, and TERM ends
// the program.
func TestLogsFail(t *testing.T) {
	s := newSite(t)
	breakLogs(t, s.Dir)
	var logs strings.Builder
	for _, l := range brokenLogs {
		fmt.Fprintf(&logs, "access_log %s long;\n", l.path)
	}
	piece := strings.Repeat("x", 3000)
	s.start(fmt.Sprintf("log_format long '%s' '%s' '%s' '%s' '%s';\n%s", piece, piece, piece, piece, piece, logs.String()) + balanced(0, threeBrokers(t)...))
	f := startFleet(t, s.addr, names("meter", scale(50, 1000)))
	v := startVisitors(t, &visitors{addr: s.addr, ids: names("visitor", 100), rate: scale(100, 200)})
	began := time.Now()
	for _, l := range brokenLogs {
		program.Await(t, "the report of a "+l.name, func() bool { return len(s.losses(l)) > 0 })
	}
	if _, long := soak(); long {
		program.AwaitWithin(t, 2*time.Minute, "second reports", func() bool { return len(s.losses(brokenLogs[0])) > 1 })
	}
	f.round()
	visits := v.wantServed(t)
	f.halt()
	took := time.Since(began)
	for _, l := range brokenLogs {
		lost := s.losses(l)
		figure(t, "logs that fail", "%s: reports of lost lines in %v with %d visits: %v", l.name, took.Round(time.Second), visits, lost)
		if most := 2 + int(took/time.Minute); len(lost) > most {
			t.Errorf("%s: %d reports in %v", l.name, len(lost), took)
		}
	}
	s.wantEnd(syscall.SIGTERM)
}

// losses returns the numbers of lost lines in the reports about a log.
func (s *site) losses(l brokenLog) (all []int) {
	s.t.Helper()
	report := regexp.MustCompile(l.report + `(?:, lines lost: (\d+))?`)
	for _, found := range report.FindAllStringSubmatch(s.Read(s.t, "error.log"), -1) {
		n := 1
		if found[1] != "" {
			n, _ = strconv.Atoi(found[1])
		}
		all = append(all, n)
	}
	return all
}

// wantEnd checks that a signal ends weir in time.
func (s *site) wantEnd(sig syscall.Signal) {
	s.t.Helper()
	sent := time.Now()
	s.Signal(s.t, sig)
	program.Await(s.t, "the end of the process", s.HasEnded)
	took := time.Since(sent)
	figure(s.t, "logs that fail", "%v ends the program after %v", sig, took.Round(time.Millisecond))
	if took > endLimit {
		s.t.Errorf("the end took %v, want at most %v", took, endLimit)
	}
}
