package directives

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/internal/errorlog"
	"weir/internal/logfile"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
)

// TestLog compiles the cases of testdata/log that have a part "access" or "errors". For the first,
// every server writes its access logs of one session; for the second, the process and every server
// write a message of each level to their error logs. The part is the contents of the logs
// afterwards.
func TestLog(t *testing.T) {
	for _, c := range goldenCases(t, "log") {
		c.checkLines(t, accessPart, writeAccess)
		c.checkLines(t, errorsPart, writeErrors)
	}
}

// checkLines compares the contents of the logs after write with the part, if the case has it.
func (c *goldenCase) checkLines(t *testing.T, part string, write func(*Program)) {
	t.Helper()
	if c.part(part) == "" {
		return
	}
	t.Run(c.name()+" "+part, func(t *testing.T) {
		dir := t.TempDir()
		p, said := loadLogs(c.part("nginx.conf"), dir)
		if p == nil {
			t.Fatal(said)
		}
		withLogs(t, p, write)
		got := filesIn(t, dir)
		if *update {
			c.set(part, got)
			c.write(t)
		}
		checkText(t, part, got, c.part(part))
	})
}

func logTime() time.Time { return time.Date(2026, 11, 2, 20, 29, 3, 0, time.UTC) }

// loadLogs compiles text with dir as the prefix, and returns the Program and the warnings up to the
// first error.
func loadLogs(text, dir string) (*Program, string) {
	env := testEnv()
	env.Prefix, env.ConfPrefix, env.ErrorLog = dir+"/", dir+"/", "default.log"
	env.LookupHost, env.Now, env.PID = lookupExample, logTime, 1
	p, diags := Load(parser.Source{Path: "nginx.conf", Text: []byte(text)}, env)
	said := ""
	for _, d := range diags {
		said += fmt.Sprintf("[%s] %s\n", d.Severity, d.Error())
		if d.Severity != diag.Warn {
			break
		}
	}
	return p, said
}

// withLogs opens the logs of p for write, and closes them afterwards.
func withLogs(t *testing.T, p *Program, write func(*Program)) {
	t.Helper()
	if err := p.Stream.Files.Open(logfile.OpenAppend); err != nil {
		t.Fatal(err)
	}
	write(p)
	p.Stream.Files.Close()
	if !p.Stream.Files.Wait(10 * time.Second) {
		t.Error("the logs were not written")
	}
	closeParts(t, p.Stream.Parts)
}

func writeAccess(p *Program) {
	env := &stream.Env{Now: logTime, NextID: func() uint64 { return 7 }, Log: p.Main.ErrorLog, PID: 1}
	client := stream.Addr{IP: netip.MustParseAddrPort("192.0.2.1:4000")}
	for _, l := range p.Stream.Listens {
		s := stream.NewSession(l, env, stream.Client{Addr: client, Local: &l.Addr}, nil)
		for _, logger := range l.Default.Loggers {
			logger.Log(s)
		}
		p.Stream.Files.Wait(10 * time.Second) // two servers write to one log
	}
}

func writeErrors(p *Program) {
	writeLevels(p.Main.ErrorLog, "main")
	for _, l := range p.Stream.Listens {
		writeLevels(l.Default.Settings.ErrorLog, "server "+l.Addr.Port())
	}
}

func closeParts(t *testing.T, parts []stream.Part) {
	t.Helper()
	for _, part := range parts {
		if err := part.Close(); err != nil {
			t.Error(err)
		}
	}
}

func writeLevels(l *errorlog.Log, who string) {
	for level := errorlog.Emerg; level <= errorlog.Debug; level++ {
		l.Write(level, 0, who)
	}
}

// filesIn returns the contents of the non-empty files below dir, unpacked, without the times of
// error logs.
func filesIn(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text := strings.ReplaceAll(readLog(t, path), "2026/11/02 20:29:03 ", "")
		name, _ := filepath.Rel(dir, path)
		for line := range strings.Lines(strings.ReplaceAll(text, dir, "DIR")) {
			all.WriteString(name + ": " + line)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func readLog(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return string(b)
	}
	plain, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return "(gzip) " + string(plain)
}

// TestMapsThatChooseDirectories checks that a map may choose between literal directories, even
// where a client chooses the name of the file.
func TestMapsThatChooseDirectories(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(dir+"/sub", 0o755); err != nil {
		t.Fatal(err)
	}
	p, said := loadLogs(`events {}
		error_log error.log;
		stream {
			log_format f x;
			map $remote_addr $variable { default sub/$remote_addr; }
			geo $place { default sub/place; }
			split_clients $remote_addr $share { * sub/share; }
			map $remote_addr $matched { "~(?<host>.*)" sub/matched; }
			server { listen 1; return a; access_log $variable f; access_log $place f; access_log $share f; access_log $matched f; }
		}`, dir)
	if p == nil {
		t.Fatal(said)
	}
	withLogs(t, p, writeAccess)
	for name, want := range map[string]bool{"192.0.2.1": true, "place": true, "share": true, "matched": true} {
		if _, err := os.Stat(dir + "/sub/" + name); (err == nil) != want {
			t.Errorf("sub/%s: %v, want a file: %v", name, err, want)
		}
	}
}
