package errorlog

import (
	"errors"
	"strconv"
	"syscall"
	"unicode/utf8"
)

// A Record is a message in a log of `error_log … json`, without its level, time and numbers.
type Record struct {
	Msg  string
	Err  error // the system's reason; nil if there is none
	Tags []Tag // the context, in order
}

// A Tag is one member of a context, with a text or, if Numeric, a number.
type Tag struct {
	Name    string
	Text    string
	Number  int64
	Numeric bool
}

// Number returns a Tag with a number.
func Number(name string, n int64) Tag { return Tag{Name: name, Number: n, Numeric: true} }

// jsonTime is nginx's time format in a JSON log.
const jsonTime = "2006-01-02T15:04:05.000-07:00"

// appendJSON appends a record as one line of JSON to b, which is empty and has room for maxLine.
// Members that do not fit are omitted, and "truncated":1 is added.
func (l *Log) appendJSON(b []byte, level Level, conn uint64, r *Record) []byte {
	o := object{b: append(b, '{')}
	o.text("level", level.String())
	o.text("timestamp", l.now().Format(jsonTime))
	o.number("pid", int64(l.pid))
	o.number("tid", int64(l.pid))
	if conn != 0 {
		o.number("cnum", int64(conn))
	}
	o.text("msg", r.Msg)
	for _, t := range r.Tags {
		o.tag(t)
	}
	o.reason(r.Err)
	return o.end()
}

// An object is a JSON object being built, of at most maxLine bytes including its newline.
type object struct {
	b         []byte
	truncated bool
}

const truncatedEnd = `,"truncated":1}` + "\n"

// room returns the number of bytes that may still be appended.
func (o *object) room() int { return maxLine - len(truncatedEnd) - len(o.b) }

// key begins a member whose value takes at least the given number of bytes, and reports whether
// there is room for it.
func (o *object) key(name string, least int) bool {
	if o.truncated || o.room() < len(name)+len(`,"":`)+least {
		o.truncated = true
		return false
	}
	if len(o.b) > 1 {
		o.b = append(o.b, ',')
	}
	o.b = append(append(append(o.b, '"'), name...), '"', ':')
	return true
}

func (o *object) number(name string, n int64) {
	var room [20]byte
	digits := strconv.AppendInt(room[:0], n, 10)
	if o.key(name, len(digits)) {
		o.b = append(o.b, digits...)
	}
}

func (o *object) tag(t Tag) {
	if t.Numeric {
		o.number(t.Name, t.Number)
		return
	}
	o.text(t.Name, t.Text)
}

// reason appends the system's number and text of err, or its text alone.
func (o *object) reason(err error) {
	if err == nil {
		return
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		o.text("errtext", err.Error())
		return
	}
	o.number("errno", int64(errno))
	o.text("errtext", Strerror(errno))
}

// text appends a string, truncated to the room left.
func (o *object) text(name, value string) {
	if !o.key(name, len(`""`)) {
		return
	}
	o.b = append(o.b, '"')
	for i := 0; i < len(value); {
		c, size := utf8.DecodeRuneInString(value[i:])
		escaped := escapeJSON(c, size)
		if escaped == "" {
			escaped = value[i : i+size]
		}
		if o.room() < len(escaped)+len(`"`) {
			o.truncated = true
			break
		}
		o.b = append(o.b, escaped...)
		i += size
	}
	o.b = append(o.b, '"')
}

// escapeJSON returns the spelling of c in a string, where size is the number of bytes it took;
// empty means unchanged. Invalid UTF-8 becomes U+FFFD.
func escapeJSON(c rune, size int) string {
	const hex = "0123456789abcdef"
	switch {
	case c == utf8.RuneError && size == 1:
		return "\ufffd"
	case c == '"' || c == '\\':
		return `\` + string(c)
	case c < ' ' || 0x7f <= c && c < 0xa0:
		return `\u00` + string(hex[c>>4]) + string(hex[c&15])
	}
	return ""
}

func (o *object) end() []byte {
	if o.truncated {
		return append(o.b, truncatedEnd...)
	}
	return append(o.b, '}', '\n')
}
