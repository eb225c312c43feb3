package udp_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"weir/internal/relay"
	"weir/stream/driver/udp"
)

// TestManyClients sends datagrams of random sizes from many clients; each client receives its own,
// complete and in order.
func TestManyClients(t *testing.T) {
	tests := []struct{ network, address, host, local string }{
		{"udp4", "127.0.0.1:0", "", ""},
		{"udp4", "0.0.0.0:0", "127.0.0.3", "127.0.0.3"},
		{"udp6", "[::1]:0", "", ""},
		{"udp6", "[::]:0", "::1", "[::1]"},
	}
	const clients, rounds = 40, 25
	for _, tt := range tests {
		t.Run(tt.network+" "+tt.address, func(t *testing.T) {
			spec := plain()
			spec.BufferSize = 1 << 16
			r := newRig(t, tt.network, tt.address, spec, udp.Options{Loops: 2})
			r.echo()
			var all sync.WaitGroup
			var large sync.Mutex
			for i := range clients {
				c := r.client(tt.host)
				all.Go(func() { c.exchangeAll(uint64(i), rounds, &large) })
			}
			all.Wait()
			r.driver.Abort(allSessions, nil)
			var sum outcome
			for range clients {
				o := r.outcome()
				if o.end != relay.Aborted || o.packets != (relay.Packets{Requests: rounds, Responses: rounds}) {
					t.Fatalf("got %+v", o)
				}
				if !strings.HasPrefix(o.local, tt.local) {
					t.Errorf("got local address %s, want %s", o.local, tt.local)
				}
				sum.fromClient += o.fromClient
				sum.toClient += o.toClient
			}
			if sum.fromClient != sum.toClient {
				t.Errorf("got %d bytes from clients, %d to them", sum.fromClient, sum.toClient)
			}
		})
	}
}

// exchangeAll sends datagrams one after the other and expects each back. It locks large while a large
// datagram is in transit: of many large ones at a time the system drops some, because a socket has
// no room for them.
func (c *client) exchangeAll(seed uint64, rounds int, large *sync.Mutex) {
	const small = 1024
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range rounds {
		want := make([]byte, rnd.IntN(1<<rnd.IntN(16)))
		for i := range want {
			want[i] = byte(rnd.Uint32())
		}
		if len(want) > small {
			large.Lock()
		}
		ok := c.echoes(want)
		if len(want) > small {
			large.Unlock()
		}
		if !ok {
			return
		}
	}
}

// echoes sends data and reports whether it returns.
func (c *client) echoes(data []byte) bool {
	if _, err := c.Write(data); err != nil {
		c.Error(err)
		return false
	}
	b := make([]byte, 1<<16)
	n, err := c.Read(b)
	if err != nil || !bytes.Equal(b[:n], data) {
		c.Errorf("%v: got %d bytes of %d, %v", c.LocalAddr(), n, len(data), err)
		return false
	}
	return true
}

// TestSizes tests that datagrams stay whole, including empty ones. A datagram longer than the
// buffer is cut, except for the first one of a client.
func TestSizes(t *testing.T) {
	spec := plain()
	spec.BufferSize = 10
	r := newRig(t, "udp4", "127.0.0.1:0", spec, udp.Options{})
	server := r.upstream("udp4")
	c := r.client("")
	c.send("0123456789abc")
	from := r.expectAt(server, "0123456789abc")
	c.send("0123456789abc")
	r.expectAt(server, "0123456789")
	c.send("")
	r.expectAt(server, "")
	r.answer(server, from, "ABCDEFGHIJKL")
	r.answer(server, from, "")
	r.answer(server, from, "M")
	c.expect("ABCDEFGHIJ", "", "M")
	r.driver.Abort(allSessions, nil)
	want := outcome{end: relay.Aborted, packets: relay.Packets{Requests: 3, Responses: 3}, fromClient: 23, toUpstream: 23, fromUpstream: 11, toClient: 11}
	if o := r.outcome(); o.end != want.end || o.packets != want.packets || o.fromClient != want.fromClient ||
		o.toUpstream != want.toUpstream || o.fromUpstream != want.fromUpstream || o.toClient != want.toClient {
		t.Errorf("got %+v, want %+v", o, want)
	}
}

// TestManyAnswers tests that a server that sends much does not delay the others.
func TestManyAnswers(t *testing.T) {
	r := newRig(t, "udp4", "127.0.0.1:0", plain(), udp.Options{})
	conn := r.upstream("udp4")
	r.serve(conn, func([]byte) (all [][]byte) {
		for i := range 200 {
			all = append(all, fmt.Appendf(nil, "%03d", i))
		}
		return all
	})
	c := r.client("")
	c.send("go")
	for i := range 200 {
		c.expect(fmt.Sprintf("%03d", i))
	}
}
