package keyval

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"time"
	"unicode/utf8"
)

// A Kind is the kind of a Change.
type Kind int

// The kinds.
const (
	SetValue  Kind = iota // the value, and the time after which the pair expires
	SetExpire             // only the time
	DeletePair
)

// A Change is the body of a PATCH.
type Change struct {
	Kind Kind
	Pair
}

// ParseAdd reads the body of a POST: an object with one member for each pair. The error is of type
// *Error. A key that occurs twice is found by Add.
func ParseAdd(body []byte) ([]Pair, error) {
	var pairs []Pair
	err := parseBody(body, func(m member) error {
		if m.value == nil {
			return ErrFormat
		}
		pairs = append(pairs, m.pair())
		return nil
	})
	switch {
	case err != nil:
		return nil, err
	case len(pairs) == 0:
		return nil, ErrKeyRequired
	}
	return pairs, nil
}

// ParseUpdate reads the body of a PATCH: an object with one member, whose value null deletes the pair.
// The error is of type *Error.
func ParseUpdate(body []byte) (Change, error) {
	var c Change
	n := 0
	err := parseBody(body, func(m member) error {
		if n++; n > 1 {
			return ErrOneKeyUpdated
		}
		c.Pair = m.pair()
		switch {
		case m.null:
			c.Kind = DeletePair
		case m.value == nil && m.time == nil:
			return ErrFormat
		case m.value == nil:
			c.Kind = SetExpire
		}
		return nil
	})
	switch {
	case err != nil:
		return Change{}, err
	case n == 0:
		return Change{}, ErrKeyRequired
	}
	return c, nil
}

// A member is a member of the object in a body or a state file.
type member struct {
	key   string
	value *string // nil for none
	time  *int64  // milliseconds; nil for none
	null  bool    // the value is null
}

// pair returns the pair of a member whose time is a duration. The shortest time is a millisecond.
func (m *member) pair() Pair {
	p := Pair{Key: m.key}
	if m.value != nil {
		p.Value = *m.value
	}
	if m.time != nil {
		p.Expire = time.Duration(max(*m.time, 1)) * time.Millisecond
	}
	return p
}

// maxTime limits times, so that sums of them do not overflow: 200 years.
const maxTime = 200 * 365 * 24 * 3600 * 1000

// parseBody calls take for each member of the body. A body that is no JSON is found before the first
// call.
func parseBody(body []byte, take func(member) error) error {
	if !utf8.Valid(body) || !json.Valid(body) {
		return ErrJSON
	}
	r := newReader(body, "expire")
	return r.object(take)
}

// A reader reads an object of pairs. It descends into no value of more than one level.
type reader struct {
	dec  *json.Decoder
	time string // the name of the member with the time
}

func newReader(text []byte, timeName string) *reader {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return &reader{dec, timeName}
}

// object reads the whole text.
func (r *reader) object(take func(member) error) error {
	if err := r.delim('{'); err != nil {
		return err
	}
	for r.dec.More() {
		m, err := r.member()
		if err != nil {
			return err
		}
		if err := take(m); err != nil {
			return err
		}
	}
	if err := r.delim('}'); err != nil {
		return err
	}
	if _, err := r.dec.Token(); !errors.Is(err, io.EOF) {
		return ErrJSON
	}
	return nil
}

// delim reads a token that must be d.
func (r *reader) delim(d json.Delim) error {
	token, err := r.dec.Token()
	switch {
	case err != nil:
		return ErrJSON
	case token != d:
		return ErrFormat
	}
	return nil
}

func (r *reader) member() (m member, err error) {
	if m.key, err = r.name(); err != nil {
		return m, err
	}
	if m.key == "" {
		return m, ErrKeyRequired
	}
	token, err := r.dec.Token()
	switch {
	case err != nil:
		return m, ErrJSON
	case token == nil:
		m.null = true
		return m, nil
	case token == json.Delim('{'):
		return m, r.fields(&m)
	}
	m.value, err = scalar(token)
	return m, err
}

// name reads the name of a member.
func (r *reader) name() (string, error) {
	token, err := r.dec.Token()
	if err != nil {
		return "", ErrJSON
	}
	name, ok := token.(string)
	if !ok {
		return "", ErrJSON
	}
	return name, nil
}

// scalar returns the text of a string or a number, as it is written.
func scalar(token json.Token) (*string, error) {
	switch t := token.(type) {
	case string:
		return &t, nil
	case json.Number:
		text := t.String()
		return &text, nil
	case json.Delim:
		return nil, ErrNested
	}
	return nil, ErrFormat
}

// fields reads the members of a pair that is an object.
func (r *reader) fields(m *member) error {
	for r.dec.More() {
		name, err := r.name()
		if err != nil {
			return err
		}
		token, err := r.dec.Token()
		if err != nil {
			return ErrJSON
		}
		text, err := scalar(token)
		if err != nil {
			return err
		}
		if err := r.field(m, name, *text, token); err != nil {
			return err
		}
	}
	return r.delim('}')
}

func (r *reader) field(m *member, name, text string, token json.Token) error {
	_, isNumber := token.(json.Number)
	switch {
	case name == "value" && m.value == nil:
		m.value = &text
		return nil
	case name == r.time && m.time == nil && isNumber:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > maxTime {
			return ErrFormat
		}
		m.time = &n
		return nil
	}
	return ErrFormat
}
