// Package errorlog writes error logs in nginx's format: leveled lines to one or more targets.
package errorlog

import (
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// A Target receives finished lines. WriteLine must be safe for concurrent use and must not keep
// line, which ends with a newline.
type Target interface {
	WriteLine(level Level, line []byte)
}

// maxLine is the maximum length of a line, including its newline (NGX_MAX_ERROR_STR).
const maxLine = 2048

// causeRoom is the number of bytes of a line reserved for the system's reason of a failure.
const causeRoom = 50

// A Log sends each message to every target whose level admits it. It is immutable once in use and
// safe for concurrent use; a nil Log discards all messages.
type Log struct {
	pid     int
	max     Level
	maxJSON Level // of the targets that accept JSON
	targets []target
	now     func() time.Time
	repeats *repeats // nil without a limit
}

type target struct {
	level Level
	json  bool
	to    Target
}

// New returns a Log without targets that adds now and pid to its lines.
func New(now func() time.Time, pid int) *Log { return &Log{now: now, pid: pid} }

// Add sends messages of level and worse to t. It must not be called after the log is in use.
func (l *Log) Add(level Level, t Target) {
	l.targets = append(l.targets, target{level, false, t})
	l.max = max(l.max, level)
}

// AddJSON is Add for a target that accepts lines of JSON.
func (l *Log) AddJSON(level Level, t Target) {
	l.targets = append(l.targets, target{level, true, t})
	l.max, l.maxJSON = max(l.max, level), max(l.maxJSON, level)
}

// Enabled reports whether a message of that level would reach a target. Call it before composing a costly message.
func (l *Log) Enabled(level Level) bool { return l != nil && level <= l.max }

// lines contains the buffers in which lines are composed.
var lines = sync.Pool{New: func() any { return &[maxLine]byte{} }}

// Write writes one line. conn is the connection's number, 0 for none; msg is the whole text,
// including the context.
func (l *Log) Write(level Level, conn uint64, msg string) {
	if l.EnabledJSON(level) {
		l.WriteRecord(level, conn, &Record{Msg: msg})
	}
	l.WriteText(level, conn, msg)
}

// WriteText is Write for the targets that do not accept JSON.
func (l *Log) WriteText(level Level, conn uint64, msg string) {
	if !l.Enabled(level) || l.repeats.drops(level, false, msg, "") {
		return
	}
	l.writeText(level, conn, msg)
}

// writeText is WriteText for a message that is not too frequent.
func (l *Log) writeText(level Level, conn uint64, msg string) {
	room := lines.Get().(*[maxLine]byte)
	defer lines.Put(room)
	l.send(level, false, l.appendLine(room[:0], level, conn, msg))
}

// EnabledJSON reports whether a message of that level would reach a target that accepts JSON.
func (l *Log) EnabledJSON(level Level) bool { return l != nil && level <= l.maxJSON }

// WriteRecord writes r to the targets that accept JSON.
func (l *Log) WriteRecord(level Level, conn uint64, r *Record) {
	if !l.EnabledJSON(level) || l.repeats.drops(level, true, r.Msg, r.server()) {
		return
	}
	l.writeRecord(level, conn, r)
}

// writeRecord is WriteRecord for a message that is not too frequent.
func (l *Log) writeRecord(level Level, conn uint64, r *Record) {
	room := lines.Get().(*[maxLine]byte)
	defer lines.Put(room)
	l.send(level, true, l.appendJSON(room[:0], level, conn, r))
}

func (l *Log) send(level Level, json bool, line []byte) {
	for _, t := range l.targets {
		if level <= t.level && t.json == json {
			t.to.WriteLine(level, line)
		}
	}
}

// WriteLine implements Target, so that one Log can feed another.
func (l *Log) WriteLine(level Level, line []byte) {
	if l == nil {
		return
	}
	if l.repeats == nil || !l.repeats.drops(level, false, textOf(line), "") {
		l.send(level, false, line)
	}
	if l.EnabledJSON(level) {
		conn, msg := message(line)
		l.WriteRecord(level, conn, &Record{Msg: msg})
	}
}

// textOf returns the message of a finished line.
func textOf(line []byte) string {
	_, msg := message(line)
	return msg
}

// message splits a finished line into its fields.
func message(line []byte) (conn uint64, msg string) {
	_, rest, _ := strings.Cut(strings.TrimSuffix(string(line), "\n"), "#")
	_, msg, _ = strings.Cut(rest, ": ")
	number, text, numbered := strings.Cut(strings.TrimPrefix(msg, "*"), " ")
	if !numbered || msg[0] != '*' {
		return 0, msg
	}
	conn, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return 0, msg
	}
	return conn, text
}

// appendLine appends the line of ngx_log_error_core to b, which is empty and has room for maxLine.
// The process ID stands for the thread ID, because weir has no threads to distinguish.
func (l *Log) appendLine(b []byte, level Level, conn uint64, msg string) []byte {
	b = l.now().AppendFormat(b, "2006/01/02 15:04:05")
	b = append(b, " ["...)
	b = append(b, level.String()...)
	b = append(b, "] "...)
	b = strconv.AppendInt(b, int64(l.pid), 10)
	b = append(b, '#')
	b = strconv.AppendInt(b, int64(l.pid), 10)
	b = append(b, ": "...)
	if conn != 0 {
		b = append(b, '*')
		b = strconv.AppendUint(b, conn, 10)
		b = append(b, ' ')
	}
	if len(b)+len(msg) > maxLine-causeRoom {
		msg = shorten(msg, maxLine-causeRoom-len(b))
	}
	return append(appendPlain(b, msg), '\n')
}

// shorten truncates the text before the system's reason, if msg ends with one, to room bytes, so
// that the reason stays visible. It follows ngx_log_errno.
func shorten(msg string, room int) string {
	start := strings.LastIndex(msg, " (")
	if start <= room || !strings.HasSuffix(msg, ")") || !isDigit(msg[start+2]) {
		return msg
	}
	return msg[:room] + "..." + msg[start:]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// Quote escapes text for double quotes in a message: a quote sent by a client does not end them.
func Quote(text string) string {
	return strings.ReplaceAll(text, `"`, `\x22`)
}

// appendPlain appends msg, up to the room left before a newline, writing as \x0A control
// characters, ASCII and Unicode, and bytes that are not UTF-8: whatever a client sends, a record
// stays one line and is safe to show in a terminal. nginx writes them unchanged.
func appendPlain(b []byte, msg string) []byte {
	const hex = "0123456789ABCDEF"
	for i := 0; i < len(msg) && len(b) < maxLine-1; {
		n := readable(msg[i:])
		switch {
		case n > 0 && len(b)+n > maxLine-1, n == 0 && len(b)+4 > maxLine-1:
			return b
		case n > 0:
			b = append(b, msg[i:i+n]...)
			i += n
		default:
			b = append(b, '\\', 'x', hex[msg[i]>>4], hex[msg[i]&15])
			i++
		}
	}
	return b
}

// readable returns the length in bytes of the first character of text; 0 means that the first byte
// must be escaped.
func readable(text string) int {
	c := text[0]
	if c < utf8.RuneSelf {
		if c >= ' ' && c != 0x7f || c == '\t' {
			return 1
		}
		return 0
	}
	r, n := utf8.DecodeRuneInString(text)
	if r == utf8.RuneError && n == 1 || r < 0xa0 || r == '\u2028' || r == '\u2029' {
		return 0
	}
	return n
}
