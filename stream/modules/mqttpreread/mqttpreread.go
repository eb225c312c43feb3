// Package mqttpreread reads the client identifier and user name from the CONNECT packet that an
// MQTT client sends first.
//
// See https://nginx.org/en/docs/stream/ngx_stream_mqtt_preread_module.html.
package mqttpreread

import (
	"weir/internal/mqtt"
	"weir/stream"
)

// Handler reads the CONNECT in the preread phase. Other protocols are passed on, with both
// variables not found.
type Handler struct{}

// connect is the data of the packet that the session keeps.
type connect struct {
	text  string // the client identifier, followed by the user name if there is one
	idLen int32
}

var connects = stream.NewKey[*connect]()

// Handle decodes the bytes received. It waits for a user name only if the preread buffer can
// contain it: a long will precedes it in the packet, and a client with one must not be refused.
func (Handler) Handle(s *stream.Session) (stream.Verdict, error) {
	c := mqtt.Parse(s.Head)
	switch c.State {
	case mqtt.Declined:
		s.Server.Zone.MQTT().Connect(&c)
		return stream.Next, nil
	case mqtt.More:
		if !c.HasClientID || c.Need <= s.Server.Settings.PrereadBufferSize {
			return stream.More, nil
		}
	}
	s.Server.Zone.MQTT().Connect(&c)
	text := string(append(append(make([]byte, 0, 64), c.ClientID...), c.Username...))
	connects.Set(s, &connect{text, int32(len(c.ClientID))})
	if len(s.Head) <= c.Size {
		s.SetOpening()
	}
	return stream.Done, nil
}

// Variables returns the variables of the module.
func Variables() []stream.Variable {
	return []stream.Variable{
		{Name: "mqtt_preread_clientid", Fixed: true, Preread: true, Get: clientID, Append: appendClientID},
		{Name: "mqtt_preread_username", Fixed: true, Preread: true, Get: username},
	}
}

func clientID(s *stream.Session) (string, bool) {
	c, ok := connects.Get(s)
	if !ok {
		return "", false
	}
	return c.text[:c.idLen], true
}

func appendClientID(s *stream.Session, dst []byte) ([]byte, bool) {
	id, ok := clientID(s)
	return append(dst, id...), ok
}

// username is found for every CONNECT, and empty for one without a user name.
func username(s *stream.Session) (string, bool) {
	c, ok := connects.Get(s)
	if !ok {
		return "", false
	}
	return c.text[c.idLen:], true
}
