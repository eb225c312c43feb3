// Package mqttfilter checks the CONNECT packet that an MQTT client sends first, and replaces its client
// identifier, user name and password on the way to the server.
//
// See https://nginx.org/en/docs/stream/ngx_stream_mqtt_filter_module.html.
package mqttfilter

import (
	"errors"
	"fmt"

	"weir/internal/mqtt"
	"weir/stream"
)

// Filter rewrites the CONNECT packets of a server's clients.
type Filter struct {
	Values [NumFields]*stream.Template // of mqtt_set_connect; nil keeps the field
	Limit  int                         // mqtt_buffers: the longest packet, as received and as sent
	// Counts makes the filter count the packets in the zone of the server.
	Counts bool
}

// FieldID names a field of the packet.
type FieldID int

// The fields.
const (
	ClientID FieldID = iota
	Username
	Password
	NumFields = iota
)

// Fields contains the names of the fields in mqtt_set_connect.
var Fields = map[string]FieldID{"clientid": ClientID, "username": Username, "password": Password}

var fieldNames = [NumFields]string{"clientid", "username", "password"}

// String returns the name of the field in mqtt_set_connect.
func (id FieldID) String() string { return fieldNames[id] }

// Check reports why text cannot be the value of the field.
func (id FieldID) Check(text string) error {
	if id == Password {
		return mqtt.CheckData(text)
	}
	return mqtt.CheckText(text)
}

var errInvalid = errors.New("invalid MQTT CONNECT packet")

// firstRead is the most that is read at once before the length of the packet is known.
const firstRead = 4096

// Filter waits for the whole packet, evaluates the values once, and replaces the packet. Bytes that
// were read after the packet follow it unchanged.
func (f *Filter) Filter(s *stream.Session) (v stream.Verdict, room int, err error) {
	p := mqtt.Split(s.Head)
	switch {
	case p.State == mqtt.Declined:
		f.count(s)
		return refuse(stream.StatusBadRequest, errInvalid)
	case p.Size > f.Limit:
		return refuse(stream.StatusBadRequest, fmt.Errorf("MQTT CONNECT packet of %d bytes exceeds \"mqtt_buffers\"", p.Size))
	case p.State == mqtt.More && p.Size == 0:
		return stream.More, firstRead, nil
	case p.State == mqtt.More:
		return stream.More, p.Size - len(s.Head), nil
	}
	f.count(s)
	if len(s.Head) == p.Size {
		s.SetOpening()
	}
	if f.Values == [NumFields]*stream.Template{} {
		return stream.Done, 0, nil
	}
	return f.rewrite(s, &p)
}

// count counts the packet in the zone of the server, unless mqtt_preread has counted it.
func (f *Filter) count(s *stream.Session) {
	if m := s.Server.Zone.MQTT(); m != nil && f.Counts {
		c := mqtt.Parse(s.Head)
		m.Connect(&c)
	}
}

// refuse ends a session whose packet cannot be sent to a server.
func refuse(status stream.Status, err error) (stream.Verdict, int, error) {
	return stream.Verdict(status), 0, err
}

func (f *Filter) rewrite(s *stream.Session, p *mqtt.Packet) (stream.Verdict, int, error) {
	fields, err := f.evaluate(s)
	if err != nil {
		return refuse(stream.StatusInternal, err)
	}
	edit := p.Edit(fields)
	size := edit.Size()
	if size > f.Limit {
		return refuse(stream.StatusInternal, fmt.Errorf("rewritten MQTT CONNECT packet of %d bytes exceeds \"mqtt_buffers\"", size))
	}
	rest := s.Head[p.Size:]
	s.ReplaceHead(append(edit.AppendTo(make([]byte, 0, size+len(rest))), rest...))
	return stream.Done, 0, nil
}

// evaluate returns the values for a session.
func (f *Filter) evaluate(s *stream.Session) (fields mqtt.Fields, err error) {
	to := [NumFields]*mqtt.Field{&fields.ClientID, &fields.Username, &fields.Password}
	for i, t := range f.Values {
		if t == nil {
			continue
		}
		text := t.Eval(s)
		if err := FieldID(i).Check(text); err != nil {
			return fields, fmt.Errorf("invalid value of \"mqtt_set_connect %s\": %w", FieldID(i), err)
		}
		*to[i] = mqtt.Field{Set: true, Text: text}
	}
	return fields, nil
}
