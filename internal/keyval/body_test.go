package keyval

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

var bodies = []struct {
	body   string
	add    []Pair
	addErr *Error
	upd    Change
	updErr *Error
}{
	{body: `{"a":"1"}`, add: []Pair{{Key: "a", Value: "1"}}, upd: Change{SetValue, Pair{Key: "a", Value: "1"}}},
	{body: ` {"a" : 1e400 } `, add: []Pair{{Key: "a", Value: "1e400"}}, upd: Change{SetValue, Pair{Key: "a", Value: "1e400"}}},
	{body: `{"\u00e9\n":"\u0000"}`, add: []Pair{{Key: "é\n", Value: "\x00"}}, upd: Change{SetValue, Pair{Key: "é\n", Value: "\x00"}}},
	{body: `{"a":"1","b":2}`, add: []Pair{{Key: "a", Value: "1"}, {Key: "b", Value: "2"}}, updErr: ErrOneKeyUpdated},
	{body: `{"a":"1","a":"2"}`, add: []Pair{{Key: "a", Value: "1"}, {Key: "a", Value: "2"}}, updErr: ErrOneKeyUpdated},
	{body: `{"a":{"value":"1","expire":1500}}`, add: []Pair{{"a", "1", 1500 * time.Millisecond}}, upd: Change{SetValue, Pair{"a", "1", 1500 * time.Millisecond}}},
	{body: `{"a":{"expire":0,"value":7}}`, add: []Pair{{"a", "7", time.Millisecond}}, upd: Change{SetValue, Pair{"a", "7", time.Millisecond}}},
	{body: `{"a":{"value":"1"}}`, add: []Pair{{Key: "a", Value: "1"}}, upd: Change{SetValue, Pair{Key: "a", Value: "1"}}},
	{body: `{"a":{"expire":5}}`, addErr: ErrFormat, upd: Change{SetExpire, Pair{Key: "a", Expire: 5 * time.Millisecond}}},
	{body: `{"a":null}`, addErr: ErrFormat, upd: Change{DeletePair, Pair{Key: "a"}}},
	{body: `{}`, addErr: ErrKeyRequired, updErr: ErrKeyRequired},
	{body: `{"":"x"}`, addErr: ErrKeyRequired, updErr: ErrKeyRequired},
	{body: `{"a":{}}`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `{"a":true}`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `{"a":{"value":null}}`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `{"a":{"value":"1","value":"2"}}`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `{"a":{"value":"1","Expire":2}}`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `{"a":{"value":"1","expires":2}}`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `{"a":{"value":"1","expire":"2"}}`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `{"a":{"value":"1","expire":-1}}`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `{"a":{"value":"1","expire":1.5}}`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `{"a":{"value":"1","expire":1e3}}`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `{"a":{"value":"1","expire":9223372036854775807}}`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `{"a":[]}`, addErr: ErrNested, updErr: ErrNested},
	{body: `{"a":{"value":{"x":1}}}`, addErr: ErrNested, updErr: ErrNested},
	{body: `{"a":{"value":["x"]}}`, addErr: ErrNested, updErr: ErrNested},
	{body: `[]`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `"a"`, addErr: ErrFormat, updErr: ErrFormat},
	{body: `null`, addErr: ErrFormat, updErr: ErrFormat},
	{body: ``, addErr: ErrJSON, updErr: ErrJSON},
	{body: `{"a":"1"`, addErr: ErrJSON, updErr: ErrJSON},
	{body: `{"a":"1",}`, addErr: ErrJSON, updErr: ErrJSON},
	{body: `{"a":"1"}{}`, addErr: ErrJSON, updErr: ErrJSON},
	{body: `{a:1}`, addErr: ErrJSON, updErr: ErrJSON},
	{body: `{"a":01}`, addErr: ErrJSON, updErr: ErrJSON},
	{body: "{\"a\":\"\xff\"}", addErr: ErrJSON, updErr: ErrJSON},
	{body: "{\"a\":\"\n\"}", addErr: ErrJSON, updErr: ErrJSON},
	{body: `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`, addErr: ErrNested, updErr: ErrNested},
	{body: strings.Repeat(`{"a":`, 100000), addErr: ErrJSON, updErr: ErrJSON},
}

func TestParse(t *testing.T) {
	for _, tt := range bodies {
		name := tt.body[:min(len(tt.body), 60)]
		add, err := ParseAdd([]byte(tt.body))
		if !reflect.DeepEqual(add, tt.add) || !sameError(err, tt.addErr) {
			t.Errorf("ParseAdd(%s): got %v, %v, want %v, %v", name, add, err, tt.add, tt.addErr)
		}
		upd, err := ParseUpdate([]byte(tt.body))
		if upd != tt.upd || !sameError(err, tt.updErr) {
			t.Errorf("ParseUpdate(%s): got %v, %v, want %v, %v", name, upd, err, tt.upd, tt.updErr)
		}
	}
}

func sameError(got error, want *Error) bool {
	if want == nil {
		return got == nil
	}
	return errors.Is(got, want)
}

// FuzzBody parses bodies and applies what they contain. Bodies are accepted only if they are JSON, and
// errors have the status of the contract.
func FuzzBody(f *testing.F) {
	for _, b := range bodies {
		f.Add([]byte(b.body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		pairs, err := ParseAdd(body)
		checkError(t, body, err)
		change, err := ParseUpdate(body)
		checkError(t, body, err)
		for _, kind := range []Type{String, IP, Prefix} {
			s, _ := newStore(kind, time.Minute)
			err := s.Add(pairs...)
			checkError(t, []byte("{}"), err)
			if err == nil && s.Len() != len(pairs) {
				t.Fatalf("%d pairs were added as %d", len(pairs), s.Len())
			}
			checkError(t, []byte("{}"), s.Apply(change))
			state := stateOf(t, s)
			other, _ := newStore(kind, time.Minute)
			if err := other.Restore([]byte(state)); err != nil {
				t.Fatalf("%v in the state %s", err, state)
			}
			if got := stateOf(t, other); got != state {
				t.Fatalf("the state %s was restored as %s", state, got)
			}
		}
	})
}

func checkError(t *testing.T, body []byte, err error) {
	t.Helper()
	if err == nil {
		if !json.Valid(body) {
			t.Fatalf("%q was accepted", body)
		}
		return
	}
	e := &Error{}
	if !errors.As(err, &e) || (e.Status == 415) != (e == ErrJSON) || e.Code == "" || e.Text == "" {
		t.Fatalf("got the error %#v", err)
	}
}
