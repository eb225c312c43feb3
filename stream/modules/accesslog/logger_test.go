package accesslog

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"weir/internal/errorlog"
	"weir/internal/logescape"
	"weir/internal/logfile"
	"weir/stream"
	"weir/stream/offline"
)

func testNow() time.Time { return time.Date(2026, 11, 2, 20, 29, 3, 0, time.UTC) }

// A rig is a configuration with variables whose values a test sets, and a readable error log.
type rig struct {
	t      *testing.T
	vars   *stream.VarTable
	values map[string]string
	config *stream.Config
	server *stream.Server
	env    *stream.Env
	errors *lockedText
	clock  time.Time
}

// lockedText is text that several goroutines write to.
type lockedText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, config: stream.NewConfig(), values: map[string]string{}, errors: &lockedText{}, clock: testNow()}
	r.vars = r.config.Vars
	for _, name := range []string{"a", "b"} {
		get := func(*stream.Session) (string, bool) { v, ok := r.values[name]; return v, ok }
		if err := r.vars.Define(stream.Variable{Name: name, Get: get, NoCache: true}); err != nil {
			t.Fatal(err)
		}
	}
	log := errorlog.New(testNow, 1)
	log.Add(errorlog.Info, errorlog.Lines(r.errors))
	r.server = &stream.Server{Settings: stream.Settings{ErrorLog: log}}
	r.env = &stream.Env{Now: func() time.Time { return r.clock }, NextID: func() uint64 { return 1 }, PID: 1}
	return r
}

func (r *rig) format(escape logescape.Escape, texts ...string) *Format {
	r.t.Helper()
	f, err := ParseFormat(texts, escape, r.vars)
	if err != nil {
		r.t.Fatal(err)
	}
	return f
}

func (r *rig) template(text string) stream.Template {
	r.t.Helper()
	tpl, err := stream.ParseTemplate(text, r.vars)
	if err != nil {
		r.t.Fatal(err)
	}
	return tpl
}

// session returns a session of the rig; no variable may be added after it.
func (r *rig) session() *stream.Session {
	r.t.Helper()
	if unknown := r.vars.Resolve(); unknown != nil {
		r.t.Fatalf("unknown variables %q", unknown)
	}
	addr := stream.Addr{IP: netip.MustParseAddrPort("127.0.0.1:40000")}
	l := &stream.Listen{Config: r.config, Addr: addr, Default: r.server}
	s := stream.NewSession(l, r.env, stream.Client{Addr: addr, Local: &addr}, nil)
	s.Status = stream.StatusOK
	return s
}

// wantErrors compares the lines of the error log, without times and contexts.
func (r *rig) wantErrors(want ...string) {
	r.t.Helper()
	var got []string
	for line := range strings.Lines(r.errors.String()) {
		_, line, _ = strings.Cut(line, " [")
		line, _, _ = strings.Cut(strings.TrimSuffix(line, "\n"), ", client: ")
		got = append(got, "["+strings.Replace(line, "] 1#1: *1 ", "] ", 1))
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		r.t.Errorf("error log got\n%s\nwant\n%s", g, w)
	}
}

// logTo returns a Target that writes to path, and a function that closes it.
func logTo(t *testing.T, path string) (Target, func()) {
	t.Helper()
	var set logfile.Set
	f := set.Get(path)
	if err := set.Open(logfile.OpenAppend); err != nil {
		t.Fatal(err)
	}
	return File(f), func() { closeLogs(t, &set) }
}

// closeLogs closes the logs after all lines are written.
func closeLogs(t *testing.T, set *logfile.Set) {
	t.Helper()
	set.Close()
	if !set.Wait(10 * time.Second) {
		t.Error("the logs were not written")
	}
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v, want %q", filepath.Base(path), got, err, want)
	}
}

func TestCondition(t *testing.T) {
	tests := []struct {
		name, cond string
		values     map[string]string
		logged     bool
	}{
		{"no condition text", "", nil, false},
		{"literal", "1", nil, true},
		{"literal zero", "0", nil, false},
		{"empty value", "$a", map[string]string{"a": ""}, false},
		{"zero", "$a", map[string]string{"a": "0"}, false},
		{"two zeros", "$a", map[string]string{"a": "00"}, true},
		{"not found", "$a", nil, false},
		{"value", "$a", map[string]string{"a": "x"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.values = tt.values
			path := filepath.Join(t.TempDir(), "log")
			cond := r.template(tt.cond)
			to, done := logTo(t, path)
			l := &Logger{Format: r.format(logescape.Default, "x"), If: &cond, To: to}
			l.Log(r.session())
			done()
			want := ""
			if tt.logged {
				want = "x\n"
			}
			wantFile(t, path, want)
		})
	}
}

func TestPathWithVariables(t *testing.T) {
	caches := map[string]*Cache{"no cache": nil, "cache": NewCache(CacheConf{Max: 2, MinUses: 1, Inactive: time.Hour, Valid: time.Hour})}
	for name, cache := range caches {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			dir := t.TempDir()
			var set logfile.Set
			l := &Logger{Format: r.format(logescape.Default, "$a"), To: Path(r.template(dir+"/$b.log"), cache, &set)}
			for _, v := range []string{"one 1", "one 2", "two 3", "one 4", strings.Repeat("x", 300) + " 5", "two 6"} {
				r.values["b"], r.values["a"], _ = strings.Cut(v, " ")
				l.Log(r.session())
			}
			closeLogs(t, &set)
			if cache != nil {
				cache.Close()
			}
			wantFile(t, dir+"/one.log", "1\n2\n4\n")
			wantFile(t, dir+"/two.log", "3\n6\n")
			r.wantErrors(`[crit] open() "` + dir + "/" + strings.Repeat("x", 300) + `.log" failed (36: File name too long)`)
		})
	}
}

// Only the text of the configuration selects directories.
func TestPathRefusesDirectoriesOfClients(t *testing.T) {
	tests := []struct {
		path, a, b string
		file       string // the file written; empty if none
	}{
		{"in/$a", "x", "", "in/x"},
		{"in/$a", "../out", "", ""},
		{"in/$a", "sub/x", "", ""},
		{"in/$a/x", "..", "", ""},
		{"in/$a$b/x", ".", ".", ""},
		{"in/.$a/x", ".", "", ""},
		{"in/$a/../$b", "sub", "x", "in/x"},
		{"in/$a", "..x", "", "in/..x"},
		{"in/$configured", "", "", "in/sub/x"},
		{"in/$configured-$a", "y", "", "in/sub/x-y"},
		{"in/$computed", "", "", ""},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			r := newRig(t)
			r.values["a"], r.values["b"] = tt.a, tt.b
			for _, name := range []string{"configured", "computed"} {
				get := func(*stream.Session) (string, bool) { return "sub/x", true }
				if err := r.vars.Define(stream.Variable{Name: name, Get: get, Configured: true}); err != nil {
					t.Fatal(err)
				}
			}
			r.vars.Computed("Computed")
			dir := t.TempDir()
			if err := os.MkdirAll(dir+"/in/sub", 0o755); err != nil {
				t.Fatal(err)
			}
			var set logfile.Set
			l := &Logger{Format: r.format(logescape.Default, "line"), To: Path(r.template(dir+"/"+tt.path), nil, &set)}
			s := r.session()
			l.Log(s)
			l.Log(s)
			closeLogs(t, &set)
			if tt.file != "" {
				wantFile(t, filepath.Join(dir, tt.file), "line\nline\n")
				r.wantErrors()
				return
			}
			if n := strings.Count(r.errors.String(), "refused"); n != 1 {
				t.Errorf("error log got %q, want one refusal", r.errors.String())
			}
			if left, _ := filepath.Glob(dir + "/*"); len(left) != 1 {
				t.Errorf("%q was made", left)
			}
		})
	}
}

func TestPathCountsLinesThatAreNotWritten(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip(err)
	}
	r := newRig(t)
	var set logfile.Set
	l := &Logger{Format: r.format(logescape.Default, "x"), To: Path(r.template("/dev/$a"), nil, &set)}
	lost := make(chan logfile.Loss, 10)
	set.OnLoss(func(l logfile.Loss) { lost <- l })
	r.values["a"] = "full"
	l.Log(r.session())
	if got := <-lost; got.Error() != `write() to "/dev/full" failed` || !errors.Is(got.Reason(), syscall.ENOSPC) || got.Lines != 1 {
		t.Errorf("got %v, %v, %d lines", got, got.Reason(), got.Lines)
	}
	closeLogs(t, &set)
}

// A session does not wait for a blocked log of any kind.
func TestNobodyWaitsForALog(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	reader, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.values["a"], r.values["b"] = "pipe", strings.Repeat("x", 4000)
	var set logfile.Set
	format := r.format(logescape.Default, "$b")
	file, named := File(set.Get(path)), Path(r.template(dir+"/$a"), nil, &set)
	lost := make(chan logfile.Loss, 10)
	set.OnLoss(func(l logfile.Loss) { lost <- l })
	if err := set.Open(logfile.OpenAppend); err != nil {
		t.Fatal(err)
	}
	s := r.session()
	for _, to := range []Target{file, named} {
		l := &Logger{Format: format, To: to}
		for range 1000 {
			l.Log(s)
		}
		if got := <-lost; got.Lines == 0 {
			t.Error("no line was lost")
		}
	}
	reader.Close() // later writes fail
	closeLogs(t, &set)
}

func TestSyslog(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	at := conn.LocalAddr().String()
	server := errorlog.NewSyslog(errorlog.SyslogConf{Network: "udp", Address: at, Facility: 23, Hostname: "host", Tag: "nginx"}, testNow)
	defer server.Close()

	r := newRig(t)
	l := &Logger{Format: r.format(logescape.Default, "x $remote_addr $status"), To: Syslog(server, errorlog.Info)}
	l.Log(r.session())
	b := make([]byte, 100)
	n, _, err := conn.ReadFrom(b)
	if want := "<190>Nov  2 20:29:03 host nginx: x 127.0.0.1 200"; err != nil || string(b[:n]) != want {
		t.Errorf("got %q, %v, want %q", b[:n], err, want)
	}
}

func TestSyslogFailureIsSaid(t *testing.T) {
	server := errorlog.NewSyslog(errorlog.SyslogConf{Network: "unixgram", Address: filepath.Join(t.TempDir(), "none")}, testNow)
	r := newRig(t)
	l := &Logger{Format: r.format(logescape.Default, "x"), To: Syslog(server, errorlog.Info)}
	l.Log(r.session())
	r.wantErrors("[warn] send() to syslog failed")
}

func TestLogAllocatesNothing(t *testing.T) {
	r := newRig(t)
	f := r.format(logescape.Default, `[$time_local] "$protocol" $status $bytes_sent $bytes_received $session_time $msec`)
	to, done := logTo(t, os.DevNull)
	defer done()
	l := &Logger{Format: f, To: to}
	s := r.session()
	for range 1000 { // grows the queue's buffer
		l.Log(s)
	}
	if n := testing.AllocsPerRun(100, func() { l.Log(s) }); n != 0 {
		t.Errorf("Log allocates %v times", n)
	}
}

// TestReportsAfterTheSystemClockIsSet checks that there is a report a minute, even if the system clock is set.
func TestReportsAfterTheSystemClockIsSet(t *testing.T) {
	for _, back := range []int{3600, -3600} {
		var l limit
		clock := offline.NewRunningClock()
		if !l.pass(clock.Now()) {
			t.Error("there is no first report")
		}
		clock.SetBack(t, back)
		if l.pass(clock.Now()) {
			t.Errorf("set back by %d s: there is another report at once", back)
		}
		clock.Advance(time.Minute)
		if !l.pass(clock.Now()) {
			t.Errorf("set back by %d s: there is no report after a minute", back)
		}
	}
}
