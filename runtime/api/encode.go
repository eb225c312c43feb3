package api

import (
	"slices"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"
)

// An encoder writes an answer of one version of the API as JSON, without blanks.
type encoder struct {
	buf     []byte
	version int
}

// buffers contains buffers of earlier answers.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// maxKept is the size of the largest buffer that is kept for other answers.
const maxKept = 1 << 20

// newEncoder returns an encoder with an empty buffer.
func newEncoder() encoder { return encoder{buf: (*buffers.Get().(*[]byte))[:0]} }

// release keeps the buffer for another answer.
func (e *encoder) release() {
	if buf := e.buf; cap(buf) <= maxKept {
		buffers.Put(&buf)
	}
}

// fields is the argument fields of a request.
type fields struct {
	given bool
	names []string
}

// allow reports whether a member of an object is shown.
func (f fields) allow(name string) bool { return !f.given || slices.Contains(f.names, name) }

// onlyNames reports whether only the names of the objects of a collection are shown.
func (f fields) onlyNames() bool { return f.given && len(f.names) == 0 }

// A member is a member of an object of type T.
type member[T any] struct {
	name         string
	since, until int           // versions; 0 means no limit
	present      func(*T) bool // nil means always
	encode       func(*encoder, *T)
}

// from limits a member to a version and later ones.
func (m member[T]) from(version int) member[T] {
	m.since = version
	return m
}

// to limits a member to a version and earlier ones.
func (m member[T]) to(version int) member[T] {
	m.until = version
	return m
}

// when limits a member to the objects that have it.
func (m member[T]) when(present func(*T) bool) member[T] {
	m.present = present
	return m
}

// applies reports whether a version has the member.
func (m *member[T]) applies(version int) bool {
	return version >= m.since && (m.until == 0 || version <= m.until)
}

// An object lists the members of an object in the order of the answer.
type object[T any] []member[T]

// encode writes v.
func (o object[T]) encode(e *encoder, v *T, only fields) {
	e.open('{')
	for i := range o {
		m := &o[i]
		if !m.applies(e.version) || !only.allow(m.name) || m.present != nil && !m.present(v) {
			continue
		}
		e.separate()
		e.buf = append(append(append(e.buf, '"'), m.name...), '"', ':') // no name has a character to escape
		m.encode(e, v)
	}
	e.close('}')
}

// integer is the type of a member that is a number.
type integer interface{ ~int | ~uint64 | ~int64 }

// number makes a member that is a number.
func number[T any, N integer](name string, get func(*T) N) member[T] {
	return member[T]{name: name, encode: func(e *encoder, v *T) { e.int(int64(get(v))) }}
}

// text makes a member that is a string.
func text[T any](name string, get func(*T) string) member[T] {
	return member[T]{name: name, encode: func(e *encoder, v *T) { e.string(get(v)) }}
}

// optionalText makes a member that is a string, and absent if it is empty.
func optionalText[T any](name string, get func(*T) string) member[T] {
	return text(name, get).when(func(v *T) bool { return get(v) != "" })
}

// flag makes a member that is a boolean.
func flag[T any](name string, get func(*T) bool) member[T] {
	return member[T]{name: name, encode: func(e *encoder, v *T) { e.bool(get(v)) }}
}

// child makes a member that is an object, and absent if it is nil.
func child[T, C any](name string, o object[C], get func(*T) *C) member[T] {
	return member[T]{
		name: name, present: func(v *T) bool { return get(v) != nil },
		encode: func(e *encoder, v *T) { o.encode(e, get(v), fields{}) },
	}
}

// group makes a member that is an object of further members of the same value.
func group[T any](name string, o object[T]) member[T] {
	return member[T]{name: name, encode: func(e *encoder, v *T) { o.encode(e, v, fields{}) }}
}

// list makes a member that is an array.
func list[T, C any](name string, o object[C], get func(*T) []C) member[T] {
	return member[T]{name: name, encode: func(e *encoder, v *T) { encodeList(e, o, get(v), fields{}) }}
}

// encodeList writes an array.
func encodeList[C any](e *encoder, o object[C], all []C, only fields) {
	e.open('[')
	for i := range all {
		e.separate()
		o.encode(e, &all[i], only)
	}
	e.close(']')
}

// open starts an object or an array.
func (e *encoder) open(bracket byte) { e.buf = append(e.buf, bracket) }

// close ends an object or an array.
func (e *encoder) close(bracket byte) { e.buf = append(e.buf, bracket) }

// separate writes a comma before all but the first member or element.
func (e *encoder) separate() {
	if last := e.buf[len(e.buf)-1]; last != '{' && last != '[' {
		e.buf = append(e.buf, ',')
	}
}

// key starts a member.
func (e *encoder) key(name string) {
	e.separate()
	e.string(name)
	e.buf = append(e.buf, ':')
}

func (e *encoder) int(n int64) { e.buf = strconv.AppendInt(e.buf, n, 10) }

func (e *encoder) bool(b bool) { e.buf = strconv.AppendBool(e.buf, b) }

// strings writes an array of strings.
func (e *encoder) strings(all []string) {
	e.open('[')
	for _, s := range all {
		e.separate()
		e.string(s)
	}
	e.close(']')
}

// string writes s. Only quotes, backslashes and control characters are escaped; bytes that are not UTF-8
// become U+FFFD.
func (e *encoder) string(s string) {
	e.buf = append(e.buf, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if c < utf8.RuneSelf || r == utf8.RuneError && size == 1 {
			e.buf = append(e.buf, s[start:i]...)
			e.escape(r)
			start = i + size
		}
		i += size
	}
	e.buf = append(append(e.buf, s[start:]...), '"')
}

const hexDigits = "0123456789abcdef"

// escape writes a character that must not stand for itself.
func (e *encoder) escape(r rune) {
	switch r {
	case '"', '\\':
		e.buf = append(e.buf, '\\', byte(r))
	case '\n':
		e.buf = append(e.buf, `\n`...)
	case '\r':
		e.buf = append(e.buf, `\r`...)
	case '\t':
		e.buf = append(e.buf, `\t`...)
	case utf8.RuneError:
		e.buf = utf8.AppendRune(e.buf, r)
	default:
		e.buf = append(e.buf, `\u00`...)
		e.buf = append(e.buf, hexDigits[r>>4], hexDigits[r&15])
	}
}

// The formats of times.
const (
	millisFormat = "2006-01-02T15:04:05.000Z"
	secondFormat = "2006-01-02T15:04:05Z"
)

// moment makes a member that is a time in UTC, and absent if it is zero.
func moment[T any](name, format string, get func(*T) time.Time) member[T] {
	return member[T]{
		name: name, present: func(v *T) bool { return !get(v).IsZero() },
		encode: func(e *encoder, v *T) {
			e.buf = append(e.buf, '"')
			e.buf = get(v).UTC().AppendFormat(e.buf, format)
			e.buf = append(e.buf, '"')
		},
	}
}

// numbers makes a member that is an object with computed names. each calls its argument for each member.
func numbers[T any](name string, each func(v *T, add func(name string, n uint64))) member[T] {
	return member[T]{name: name, encode: func(e *encoder, v *T) {
		e.open('{')
		each(v, func(name string, n uint64) {
			e.key(name)
			e.int(int64(n))
		})
		e.close('}')
	}}
}
