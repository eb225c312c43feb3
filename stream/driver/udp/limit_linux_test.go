package udp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/driver/udp"
)

// TestConnections tests that worker_connections limits the sessions; a datagram beyond the limit is
// lost and logged.
func TestConnections(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Connections: 4})
	server := r.upstream("udp4")
	for _, text := range []string{"a", "b"} {
		r.client("").send(text)
		r.expectAt(server, text)
	}
	r.client("").send("c")
	for end := time.Now().Add(patience); len(r.alerts()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("nothing was logged")
		}
	}
	if got := r.alerts()[0]; got != "[alert] 4 worker_connections are not enough" {
		t.Errorf("got %s", got)
	}
}

// TestDescriptorsInReserve has more clients than there are descriptors.
func TestDescriptorsInReserve(t *testing.T) {
	const limit, others = 40, 5
	const served = limit - limit/8 - others
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	r.env.Descriptors = stream.NewDescriptors(func() (int, int) { return limit, others })
	server := r.upstream("udp4")
	for i := range served {
		r.client("").send(fmt.Sprint(i))
		r.expectAt(server, fmt.Sprint(i))
	}
	r.client("").send("one more")
	const want = "[crit] 35 of 40 descriptors are in use or needed by sessions, datagrams of new clients are dropped"
	for end := time.Now().Add(patience); r.lines.Count(want) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("got %q, want %s", r.lines.All(), want)
		}
	}
}

func (r *rig) alerts() (list []string) {
	for _, line := range r.lines.All() {
		if strings.HasPrefix(line, "[alert]") {
			list = append(list, line)
		}
	}
	return list
}
