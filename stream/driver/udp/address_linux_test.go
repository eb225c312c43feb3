package udp_test

import (
	"net"
	"testing"

	"weir/internal/relay"
	"weir/stream/driver/udp"
)

// TestLocalAddresses tests that on a wildcard the destination address distinguishes sessions, and
// that answers are sent from it.
func TestLocalAddresses(t *testing.T) {
	r := newRig(t, "udp4", "0.0.0.0:0", plain(), udp.Options{})
	server := r.upstream("udp4")
	r.start()
	conn := r.socket("udp4", "127.0.0.1:0")
	port := r.addr.(*net.UDPAddr).Port
	from := map[string]net.Addr{}
	for _, host := range []string{"127.0.0.1", "127.0.0.2"} {
		conn.WriteTo([]byte(host), &net.UDPAddr{IP: net.ParseIP(host), Port: port})
		from[host] = r.expectAt(server, host)
	}
	for _, host := range []string{"127.0.0.2", "127.0.0.1"} {
		r.answer(server, from[host], host)
		if got := r.expectAt(conn, host).(*net.UDPAddr); !got.IP.Equal(net.ParseIP(host)) {
			t.Errorf("the answer came from %s, want %s", got.IP, host)
		}
	}
}

// TestUnix tests datagrams over unix sockets. A client without an address has a session for each
// datagram.
func TestUnix(t *testing.T) {
	spec := plain()
	spec.Responses = 1
	r := newRig(t, "unixgram", "s", spec, udp.Options{})
	r.echo()
	c := r.client("")
	c.send("a")
	c.expect("a")
	if o := r.outcome(); o.end != relay.Done {
		t.Errorf("got %+v", o)
	}
	nameless, err := net.DialUnix("unixgram", nil, r.addr.(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer nameless.Close()
	for range 2 {
		nameless.Write([]byte("b"))
		if o := r.outcome(); o.end != relay.ClientError {
			t.Errorf("got %+v, want a client that cannot be answered", o)
		}
	}
}
