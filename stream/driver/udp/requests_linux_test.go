package udp_test

import (
	"fmt"
	"net"
	"testing"

	"weir/internal/relay"
	"weir/stream/driver/udp"
)

// TestRequests tests that proxy_requests removes a session from the table without ending it.
func TestRequests(t *testing.T) {
	spec := plain()
	spec.Requests = 2
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	server := r.upstream("udp4")
	c := r.client("")
	for _, text := range []string{"1", "2", "3"} {
		c.send(text)
	}
	first := r.expectAt(server, "1")
	if again := r.expectAt(server, "2"); again.String() != first.String() {
		t.Errorf("the second datagram came from %s, want %s", again, first)
	}
	third := r.expectAt(server, "3")
	if third.String() == first.String() {
		t.Error("the third datagram belongs to the first session")
	}
	r.answer(server, third, "c")
	c.expect("c")
	r.answer(server, first, "a")
	r.answer(server, first, "b")
	c.expect("a", "b")
}

// TestResponses tests that proxy_responses ends a session when all answers have arrived.
func TestResponses(t *testing.T) {
	tests := []struct {
		name                string
		requests, responses int
		says                []string
		answers             int
		want                relay.Packets
	}{
		{"none", 0, 0, []string{"a"}, 0, relay.Packets{Requests: 1}},
		{"one", 0, 1, []string{"a"}, 1, relay.Packets{Requests: 1, Responses: 1}},
		{"three", 0, 3, []string{"a"}, 3, relay.Packets{Requests: 1, Responses: 3}},
		{"one for each of two", 2, 1, []string{"a", "b"}, 2, relay.Packets{Requests: 2, Responses: 2}},
		{"none for each of two", 2, 0, []string{"a", "b"}, 0, relay.Packets{Requests: 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec := plain()
			spec.Requests, spec.Responses = tt.requests, tt.responses
			r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
			server := r.upstream("udp4")
			c := r.client("")
			var from net.Addr
			for _, text := range tt.says {
				c.send(text)
				from = r.expectAt(server, text)
			}
			for i := range tt.answers {
				r.answer(server, from, fmt.Sprint(i))
				c.expect(fmt.Sprint(i))
			}
			if o := r.outcome(); o.end != relay.Done || o.packets != tt.want {
				t.Errorf("got %v, %+v, want done, %+v", o.end, o.packets, tt.want)
			}
			c.send("again") // its own session
			r.expectAt(server, "again")
		})
	}
}
