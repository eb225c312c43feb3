package udp_test

import (
	"fmt"
	"strings"
	"testing"

	"weir/internal/testwait"
	"weir/stream"
	"weir/stream/driver/udp"
	"weir/stream/status"
)

// TestConnections tests that worker_connections limits the sessions; a datagram beyond the limit is
// lost and logged.
func TestConnections(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{Connections: 4})
	r.env.Status = status.NewProcess()
	server := r.upstream("udp4")
	for _, text := range []string{"a", "b"} {
		r.client("").send(text)
		r.expectAt(server, text)
	}
	r.client("").send("c")
	testwait.Eventually(t, "an alert is logged", func() bool { return len(r.alerts()) > 0 })
	if got := r.alerts()[0]; got != "[alert] 4 worker_connections are not enough" {
		t.Errorf("got %s", got)
	}
	testwait.Eventually(t, "the datagram counts as dropped", func() bool {
		return r.env.Status.Connections.Snapshot() == status.ConnectionsSnapshot{Accepted: 3, Dropped: 1, Active: 2}
	})
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
	const want = "[crit] 35 of 40 file descriptors in use or needed by sessions, dropping datagrams of new clients"
	testwait.Eventually(t, "logged "+want, func() bool { return r.lines.Count(want) > 0 })
}

func (r *rig) alerts() (list []string) {
	for _, line := range r.lines.All() {
		if strings.HasPrefix(line, "[alert]") {
			list = append(list, line)
		}
	}
	return list
}
