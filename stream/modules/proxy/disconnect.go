package proxy

import (
	"time"

	"weir/internal/mqtt"
	"weir/internal/relay"
	"weir/stream"
)

// A Disconnect is fleet_disconnect: clients of MQTT 5.0 get a DISCONNECT when the operator ends their
// sessions. nil sends none.
type Disconnect struct {
	Reference string // another server for the clients; empty names none
}

// farewell is what a session needs to end with a DISCONNECT.
type farewell struct {
	packets   mqtt.Framing // from the server
	reference string
	sending   bool
}

// Follow implements relay.Follower.
func (f *farewell) Follow(n int, b []byte) {
	if b == nil {
		f.packets.Skip(n)
		return
	}
	f.packets.Follow(b)
}

var _ relay.Follower = (*farewell)(nil)

// begin returns the farewell of a session whose relay begins, or nil if its client has not sent a CONNECT
// of MQTT 5.0 that a preread or the filter has read.
func (d *Disconnect) begin(s *stream.Session) *farewell {
	if d == nil || s.UDP() || mqtt.Parse(s.Head).Version != 5 {
		return nil
	}
	f := &farewell{reference: d.Reference}
	if len(f.packet(mqtt.ServerMoved)) > mqtt.PacketLimit(s.Head) {
		f.reference = ""
	}
	return f
}

// packet returns the DISCONNECT. When the process ends, the clients return to the same address.
func (f *farewell) packet(why mqtt.Reason) []byte {
	reference := f.reference
	if why == mqtt.ServerShuttingDown {
		reference = ""
	}
	return mqtt.AppendDisconnect(nil, why, reference)
}

// sendTime limits how long a DISCONNECT waits for a client that does not read.
const sendTime = time.Second

// leave ends an established session for a reason of the operator. If the client is between two packets it
// gets a DISCONNECT first.
func (r *run) leave(s *stream.Session, why stream.Ending) stream.Step {
	f := r.farewell
	if f == nil || f.sending || !f.packets.Between() {
		return r.finish(s, stream.StatusOK)
	}
	f.sending = true
	return stream.Step{Do: stream.Send, Out: f.packet(reasonOf(why)), Deadline: s.Env.Now().Add(sendTime)}
}

// leaving reports whether the session ends with the DISCONNECT that is being sent.
func (r *run) leaving() bool { return r.farewell != nil && r.farewell.sending }

func reasonOf(why stream.Ending) mqtt.Reason {
	switch why {
	case stream.BrokerDrained:
		return mqtt.UseAnotherServer
	case stream.BrokerRemoved:
		return mqtt.ServerMoved
	}
	return mqtt.ServerShuttingDown
}
