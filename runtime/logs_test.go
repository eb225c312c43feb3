package runtime

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"weir/internal/errorlog"
	"weir/internal/logfile"
	"weir/internal/testwait"
)

func TestFollowingLogWritesToTheCurrentOne(t *testing.T) {
	var first, second recorder
	current := first.log()
	l := followingLog(os.Getpid(), func() *errorlog.Log { return current })
	l.Write(errorlog.Crit, 0, "accept4() failed (24: Too many open files)")
	current = second.log()
	l.Write(errorlog.Alert, 7, "#1: odd")
	if got, want := first.take(), []string{"[crit] accept4() failed (24: Too many open files)"}; !slices.Equal(got, want) {
		t.Errorf("first: got %q, want %q", got, want)
	}
	if got, want := second.take(), []string{"[alert] *7 #1: odd"}; !slices.Equal(got, want) {
		t.Errorf("second: got %q, want %q", got, want)
	}
}

func TestReopenKeepsAFileThatCannotBeOpened(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "logs")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := newTestMaster(t).program()
	path := filepath.Join(dir, "a.log")
	file := p.Stream.Files.Get(path)
	if err := openLogs(p.Stream.Files, logfile.OpenAppend); err != nil {
		t.Fatal(err)
	}
	defer p.Stream.Files.Close()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	var log recorder
	reopenLogs(p.Stream.Files, &console{errorLog: log.log()})
	if !p.Stream.Files.Wait(testwait.Patience) {
		t.Error("the file was not reopened")
	}
	if got, want := log.take(), []string{`[emerg] open() "` + path + `" failed (2: No such file or directory)`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := file.Write([]byte("x")); err != nil {
		t.Error(err)
	}
}

func TestConsoleDuplicatesToStderr(t *testing.T) {
	tests := []struct {
		name  string
		boot  string // -e
		level errorlog.Level
		want  string // on standard error
	}{
		{"a warning, with a file", "e.log", errorlog.Warn, `^nginx: \[warn\] text\n$`},
		{"a notice, with a file", "e.log", errorlog.Notice, `^$`},
		{"a warning, without", "stderr", errorlog.Warn, `^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[warn\] \d+#\d+: text\n$`},
		{"a notice, without", "stderr", errorlog.Notice, `^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[notice\] \d+#\d+: text\n$`},
		{"less than the log takes", "stderr", errorlog.Info, `^$`},
		{"no such file", "no/e.log", errorlog.Error,
			`^nginx: \[alert\] could not open error log file: open\(\) ".*/no/e\.log" failed \(2: No such file or directory\)\n` +
				`\d{4}/.* \[error\] \d+#\d+: text\n$`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			o := Options{Prefix: t.TempDir(), ErrorLog: tt.boot}
			c := bootConsole(o, o.paths(), newOutlets(&stderr))
			c.log(tt.level, "text")
			c.out.wait(testwait.Patience)
			if got := stderr.String(); !regexp.MustCompile(tt.want).MatchString(got) {
				t.Errorf("got %q, want %s", got, tt.want)
			}
		})
	}
}

func TestPaths(t *testing.T) {
	tests := []struct {
		name string
		in   Options
		want paths
	}{
		{"built in", Options{}, paths{"/usr/share/nginx/", "/etc/nginx/nginx.conf", "/etc/nginx/", "stderr"}},
		{"prefix without slash", Options{Prefix: "/p"}, paths{"/p/", "/etc/nginx/nginx.conf", "/etc/nginx/", "stderr"}},
		{"relative to the prefix", Options{Prefix: "/p/", Conf: "c/n.conf", ErrorLog: "e"}, paths{"/p/", "/p/c/n.conf", "/p/c/", "/p/e"}},
		{"absolute", Options{Prefix: "/p/", Conf: "/n.conf", ErrorLog: "/e"}, paths{"/p/", "/n.conf", "/", "/e"}},
		{"stderr", Options{ErrorLog: "stderr"}, paths{"/usr/share/nginx/", "/etc/nginx/nginx.conf", "/etc/nginx/", "stderr"}},
		{"relative prefix", Options{Prefix: "t", Conf: "n.conf"}, paths{"t/", "t/n.conf", "t/", "stderr"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.in.paths(); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}
