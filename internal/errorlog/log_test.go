package errorlog

import (
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func testNow() time.Time { return time.Date(2026, 11, 2, 20, 29, 3, 0, time.UTC) }

// A recorder is a Target that records its lines.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) WriteLine(_ Level, line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, string(line))
}

// Write makes a recorder an io.Writer.
func (r *recorder) Write(p []byte) (int, error) {
	r.WriteLine(Info, p)
	return len(p), nil
}

func TestLine(t *testing.T) {
	const head = "2026/11/02 20:29:03 [error] 42#42: "
	tests := []struct {
		name string
		conn uint64
		msg  string
		want string
	}{
		{"plain", 0, "reconfiguring", head + "reconfiguring\n"},
		{"with its connection", 7, "no live upstreams", head + "*7 no live upstreams\n"},
		{"text as it is", 0, "tab\t\"quoted\" \\ é", head + "tab\t\"quoted\" \\ é\n"},
		{"long, with a reason", 0, strings.Repeat("x", maxLine) + " (36: File name too long)",
			head + strings.Repeat("x", maxLine-causeRoom-len(head)) + "... (36: File name too long)\n"},
		{"control characters of Unicode", 0, "a\u0080b\u009b31mc\u2028d\u00a0\u00e9\u20ac\U0001f600", head + `a\xC2\x80b\xC2\x9B31mc\xE2\x80\xA8d` + "\u00a0\u00e9\u20ac\U0001f600\n"},
		{"no UTF-8", 0, "a\x9b31m\xe9\xffb\xc3", head + `a\x9B31m\xE9\xFFb\xC3` + "\n"},
		{"control characters", 0, "a\r\n2026 [emerg] forged\x1b[31m\x00\x7f", head + `a\x0D\x0A2026 [emerg] forged\x1B[31m\x00\x7F` + "\n"},
		{"too long", 0, strings.Repeat("x", 3000), head + strings.Repeat("x", 2047-len(head)) + "\n"},
		{"exactly as long", 0, strings.Repeat("x", 2047-len(head)), head + strings.Repeat("x", 2047-len(head)) + "\n"},
		{"no half of an escape", 0, strings.Repeat("x", 2045-len(head)) + "\n", head + strings.Repeat("x", 2045-len(head)) + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r recorder
			l := New(testNow, 42)
			l.Add(Error, &r)
			l.Write(Error, tt.conn, tt.msg)
			if got := strings.Join(r.lines, ""); got != tt.want {
				t.Errorf("Write(%q) = %q, want %q", tt.msg, got, tt.want)
			}
		})
	}
}

func TestLogIsATarget(t *testing.T) {
	var r recorder
	inner := New(testNow, 7)
	inner.Add(Warn, &r)
	outer := New(testNow, 42)
	outer.Add(Debug, inner)
	outer.Add(Debug, (*Log)(nil))
	outer.Write(Warn, 3, "a\nb")
	outer.Write(Notice, 0, "less than the inner log takes")
	if got, want := strings.Join(r.lines, ""), "2026/11/02 20:29:03 [warn] 42#42: *3 a\\x0Ab\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTargetsTakeTheirLevels(t *testing.T) {
	var crit, info recorder
	l := New(testNow, 42)
	l.Add(Crit, &crit)
	l.Add(Info, &info)
	for level := Emerg; level <= Debug; level++ {
		l.Write(level, 0, level.String())
		if got, want := l.Enabled(level), level <= Info; got != want {
			t.Errorf("Enabled(%v) = %v, want %v", level, got, want)
		}
	}
	if len(crit.lines) != 3 || len(info.lines) != 7 {
		t.Errorf("crit got %d lines, info %d, want 3 and 7", len(crit.lines), len(info.lines))
	}
	var none *Log
	if none.Enabled(Emerg) {
		t.Error("a nil Log is enabled")
	}
	none.Write(Emerg, 0, "into the void")
}

func TestQuoteKeepsQuotationsClosed(t *testing.T) {
	for text, want := range map[string]string{`plain é \ text`: `plain é \ text`, `x" failed, client: "y`: `x\x22 failed, client: \x22y`} {
		if got := Quote(text); got != want {
			t.Errorf("Quote(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestParseLevel(t *testing.T) {
	for level := Emerg; level <= Debug; level++ {
		if got, ok := ParseLevel(level.String()); !ok || got != level {
			t.Errorf("ParseLevel(%q) = %v, %v, want %v", level, got, ok, level)
		}
	}
	for _, name := range []string{"", "ERROR", "err", "debug_core"} {
		if got, ok := ParseLevel(name); ok {
			t.Errorf("ParseLevel(%q) = %v, want none", name, got)
		}
	}
}

func TestErrno(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"none", nil, ""},
		{"refused", syscall.ECONNREFUSED, " (111: Connection refused)"},
		{"capital inside", syscall.Errno(5), " (5: Input/output error)"},
		{"digit first", syscall.Errno(81), " (81: .lib section in a.out corrupted)"},
		{"not in use", syscall.Errno(41), " (41: Unknown error 41)"},
		{"unknown to Go", syscall.Errno(133), " (133: Memory page has hardware error)"},
		{"beyond the last", syscall.Errno(134), " (134: Unknown error 134)"},
		{"zero", syscall.Errno(0), " (0: Success)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Errno(tt.err); got != tt.want {
				t.Errorf("Errno(%v) = %q, want %q", tt.err, got, tt.want)
			}
		})
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	l := New(testNow, 42)
	l.Add(Error, Lines(discard{}))
	if n := testing.AllocsPerRun(100, func() { l.Write(Error, 7, "no live upstreams while connecting to upstream") }); n != 0 {
		t.Errorf("Write allocates %v times", n)
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
