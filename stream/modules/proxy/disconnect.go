package proxy

import (
	"time"

	"weir/internal/mqtt"
	"weir/internal/relay"
	"weir/stream"
)

// A Disconnect is fleet_disconnect: clients of MQTT 5.0 get a DISCONNECT when the operator ends their
// sessions. nil sends none. It is immutable.
type Disconnect struct {
	Reference string // another server for the clients; empty names none

	full  goodbyes // with the reference
	brief goodbyes // for clients that do not accept packets of that size
}

// NewDisconnect returns the Disconnect with that reference, which may be empty.
func NewDisconnect(reference string) *Disconnect {
	return &Disconnect{Reference: reference, full: newGoodbyes(reference), brief: newGoodbyes("")}
}

// goodbyes are the packets by their reasons.
type goodbyes struct{ drained, removed, shutdown []byte }

// newGoodbyes encodes the packets. When the process ends, the clients return to the same address.
func newGoodbyes(reference string) goodbyes {
	return goodbyes{
		drained:  mqtt.AppendDisconnect(nil, mqtt.UseAnotherServer, reference),
		removed:  mqtt.AppendDisconnect(nil, mqtt.ServerMoved, reference),
		shutdown: mqtt.AppendDisconnect(nil, mqtt.ServerShuttingDown, ""),
	}
}

func (g *goodbyes) of(why stream.Ending) []byte {
	switch why {
	case stream.BrokerDrained:
		return g.drained
	case stream.BrokerRemoved:
		return g.removed
	}
	return g.shutdown
}

// begin returns the farewell of a session whose relay begins, or nil if its client has not sent a CONNECT
// of MQTT 5.0 that a preread or the filter has read.
func (d *Disconnect) begin(s *stream.Session) *farewell {
	if d == nil || s.UDP() || mqtt.Parse(s.Head).Version != 5 {
		return nil
	}
	if d.Reference != "" && len(d.full.removed) > mqtt.PacketLimit(s.Head) {
		return &farewell{goodbyes: &d.brief}
	}
	return &farewell{goodbyes: &d.full}
}

// farewell is what a session needs to end with a DISCONNECT.
type farewell struct {
	packets  mqtt.Framing // from the server
	goodbyes *goodbyes
	sending  bool
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

// sendTime limits how long a DISCONNECT waits for a client that does not read.
const sendTime = time.Second

// leave ends an established session for a reason of the operator. If the client is between two packets it
// gets a DISCONNECT first.
func (r *run) leave(s *stream.Session, why stream.Ending) stream.Step {
	f := r.farewell
	if f == nil || !f.packets.Between() {
		return r.finish(s, stream.StatusOK)
	}
	f.sending = true
	return stream.Step{Do: stream.Send, Out: f.goodbyes.of(why), Deadline: s.Env.Now().Add(sendTime)}
}

// leaving reports whether the session ends with the DISCONNECT that is being sent.
func (r *run) leaving() bool { return r.farewell != nil && r.farewell.sending }
