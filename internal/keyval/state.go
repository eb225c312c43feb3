package keyval

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"
)

// A StateError is the first error in a state.
type StateError struct {
	Line int
	Err  error
}

// Error returns the cause without the line.
func (e *StateError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *StateError) Unwrap() error { return e.Err }

// expires is the member of a pair in a state for the time at which it expires, in milliseconds since
// 1970. A state without times has the form of the body of a POST.
const expires = "expires"

var (
	errNotUTF8   = errors.New("invalid UTF-8")
	errDuplicate = errors.New("duplicate key")
	errTooLarge  = errors.New("more data than the zone has room for")
)

// MaxState returns the length of the longest state that can have room in a zone of size bytes: a byte of
// a key or a value may be written as six.
func MaxState(size int64) int64 { return 8*size + 1<<16 }

// Restore fills an empty Store with the pairs of a state; pairs that have expired are left out. A state
// of no bytes has no pairs. After an error the Store is still empty. The error is a *StateError. Restore
// does not count as a change.
func (s *Store) Restore(state []byte) error {
	if len(state) == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !utf8.Valid(state) {
		return &StateError{lineOf(state, validLength(state)), errNotUTF8}
	}
	now := s.clock.now()
	r, d := newReader(state, expires), s.draft()
	err := r.object(func(m member) error { return s.restore(d, m, now) })
	if err != nil {
		d.discard()
		return &StateError{lineOf(state, int(r.dec.InputOffset())), err}
	}
	d.publish()
	return nil
}

// ErrState returns the error for a state that is longer than MaxState.
func ErrState() error { return &StateError{1, errTooLarge} }

func (s *Store) restore(d *draft, m member, now time.Time) error {
	switch {
	case m.value == nil:
		return ErrFormat
	case !d.index.valid(m.key):
		return fmt.Errorf("%w \"%s\"", ErrKeyFormat, m.key)
	case d.index.exact(m.key) != nil:
		return fmt.Errorf("%w \"%s\"", errDuplicate, m.key)
	}
	p := pair{key: m.key, value: *m.value}
	switch timeout := s.timeout.Load(); {
	case m.time != nil:
		p.expires = s.clock.of(now) + *m.time - now.UnixMilli()
		if p.expires <= s.clock.of(now) {
			return nil
		}
	case timeout > 0:
		p.expires = s.clock.of(now) + timeout
	}
	return d.add(p)
}

// validLength returns the length of the longest prefix that is valid UTF-8.
func validLength(b []byte) int {
	n := 0
	for n < len(b) {
		r, size := utf8.DecodeRune(b[n:])
		if r == utf8.RuneError && size <= 1 {
			break
		}
		n += size
	}
	return n
}

func lineOf(text []byte, offset int) int {
	return 1 + bytes.Count(text[:min(offset, len(text))], []byte("\n"))
}

// WriteState writes the pairs of one moment as JSON, each in a line of its own, with the times at which
// they expire.
func (s *Store) WriteState(w io.Writer) error {
	now := s.clock.now()
	since := now.UnixMilli() - s.clock.of(now) // of the clock's zero
	line, separator := []byte("{"), "\n"
	for p := range s.content.Load().index.all() {
		if p.expires > 0 && p.expires <= s.clock.of(now) {
			continue
		}
		line = append(line, separator...)
		line = appendPair(line, p, since)
		separator = ",\n"
		if _, err := w.Write(line); err != nil {
			return err
		}
		line = line[:0]
	}
	_, err := w.Write(append(line, "\n}\n"...))
	return err
}

func appendPair(line []byte, p *pair, since int64) []byte {
	line = AppendString(line, p.key)
	line = append(line, ':')
	if p.expires == 0 {
		return AppendString(line, p.value)
	}
	line = AppendString(append(line, `{"value":`...), p.value)
	line = strconv.AppendInt(append(line, `,"expires":`...), since+p.expires, 10)
	return append(line, '}')
}

// AppendString appends text as a string of JSON. Text that is not ASCII stays as it is.
func AppendString(b []byte, text string) []byte {
	b = append(b, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ':
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

const hex = "0123456789abcdef"

// Inherit fills an empty Store with the pairs of another, which may have another size or type. It fails
// if they have no room, or are no addresses; then the Store is still empty.
func (s *Store) Inherit(from *Store) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, d := s.clock.now(), s.draft()
	offset := s.clock.of(now) - from.clock.of(now)
	for p := range from.content.Load().index.all() {
		if p.expires > 0 && p.expires <= from.clock.of(now) {
			continue
		}
		if err := d.inherit(*p, offset); err != nil {
			d.discard()
			return err
		}
	}
	d.publish()
	return nil
}

func (d *draft) inherit(p pair, offset int64) error {
	if !d.index.valid(p.key) {
		return fmt.Errorf("%w \"%s\"", ErrKeyFormat, p.key)
	}
	if p.expires > 0 {
		p.expires += offset
	}
	return d.add(p)
}

// Changes returns the number of changes since the Store was made.
func (s *Store) Changes() uint64 { return s.changes.Load() }
