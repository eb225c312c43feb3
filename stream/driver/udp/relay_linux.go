package udp

import (
	"golang.org/x/sys/unix"

	"weir/internal/relay"
	"weir/stream"
)

// readsPerTurn is how many batches a server may bring before the loop serves others.
const readsPerTurn = 4

// startRelay begins to carry datagrams, the client's first one among them, which was sent with the connect.
func (c *conn) startRelay(spec *relay.Spec) (stream.Event, bool) {
	c.spec = spec
	c.upload, c.download = c.newPace(spec.Upload), c.newPace(spec.Download)
	c.touch()
	c.sendEarly()
	if c.refused != 0 {
		c.fail(stream.UpstreamSide, stream.OpSendMsg, c.refused)
		return c.relayed(relay.UpstreamError), true
	}
	if c.over() {
		return c.relayed(relay.Done), true
	}
	if spec.Timeout > 0 {
		c.l.wheel.Set(&c.timer, c.l.now.Add(spec.Timeout))
	}
	return stream.Event{}, false
}

// end ends the relay.
func (c *conn) end(why relay.End) { c.do(c.s.Advance(c.relayed(why))) }

// shutDown ends the session because the client's datagrams, or the socket that it would be answered through, are another's now. A
// session that is not being relayed goes on unlisted.
func (c *conn) shutDown() {
	if c.relaying() {
		c.end(relay.Shutdown)
		return
	}
	c.unlist()
}

// over reports whether the session has all that it was to carry. It follows ngx_stream_proxy_test_finalize.
func (c *conn) over() bool {
	if c.spec.Full(c.packets) {
		c.unlist()
	}
	return c.spec.Over(c.packets) && c.toServer.empty() && c.toClient.empty()
}

// settle ends the relay if it is over.
func (c *conn) settle() {
	if c.over() {
		c.end(relay.Done)
	}
}

// touch begins the idle time anew. It is counted by the monotonic clock: setting the system's ends no session.
func (c *conn) touch() { c.active = c.l.now.Sub(c.l.began) }

// expired is the passing of the conn's timer: the time-out may have been put off since it was set. It is not counted in a pause.
func (c *conn) expired() {
	if !c.relaying() {
		c.lookup.end()
		c.do(c.s.Advance(stream.Event{Kind: stream.TimedOut}))
		return
	}
	due := c.l.began.Add(c.active + c.spec.Timeout)
	switch {
	case c.pausing():
		c.l.wheel.Set(&c.timer, c.l.now.Add(c.spec.Timeout))
	case due.After(c.l.now):
		c.l.wheel.Set(&c.timer, due)
	default:
		c.end(relay.Timeout)
	}
}

// fromClient passes a datagram on to the server. As with nginx one is lost that comes while the rate allows none, or while the buffer
// is full of others; and one that is larger than what is free in the buffer is cut.
func (c *conn) fromClient(data []byte) {
	if !c.relaying() {
		c.keepEarly(data)
		return
	}
	if c.spec.Dropped() {
		c.end(relay.Dropped)
		return
	}
	room := c.spec.BufferSize - c.toServer.size
	if room <= 0 || c.toServer.full() || !c.upload.allows(c.s.Traffic.FromClient.Load()) {
		return
	}
	data = data[:min(len(data), room)]
	c.packets.Requests++
	c.s.Traffic.FromClient.Add(int64(len(data)))
	c.upload.read(len(data))
	c.touch()
	if e := c.write(data); e != 0 {
		c.fail(stream.UpstreamSide, stream.OpSendMsg, e)
		c.end(relay.UpstreamError)
		return
	}
	c.settle()
}

// write sends a datagram to the server, now or when the socket takes it.
func (c *conn) write(data []byte) unix.Errno {
	if c.toServer.empty() {
		if e := c.sendServerNow(data); e != unix.EAGAIN {
			return e
		}
	}
	c.toServer.push(data)
	c.retryLater()
	return 0
}

// readable is the event that the server has sent something, or that a datagram to it was refused.
func (c *conn) readable() {
	c.ready = true
	c.carry()
}

// carry passes on what the server has sent, as far as a turn goes.
func (c *conn) carry() {
	if !c.relaying() {
		return
	}
	if c.p.gone {
		c.end(relay.Shutdown)
		return
	}
	if c.spec.Dropped() {
		c.end(relay.Dropped)
		return
	}
	for range readsPerTurn {
		if !c.readsServer() {
			break
		}
		if !c.fromServer() {
			return
		}
	}
	if c.readsServer() && !c.queued {
		c.queued = true
		c.l.again = append(c.l.again, c)
	}
	c.settle()
}

// readsServer reports whether there may be something to read that would be passed on at once.
func (c *conn) readsServer() bool {
	return c.ready && c.toClient.empty() && c.download.allows(c.s.Traffic.FromUpstream.Load())
}

// fromServer passes one batch on to the client, and reports whether the relay goes on. As with nginx an error counts as an answer, of
// which nothing is sent.
func (c *conn) fromServer() bool {
	want := batchSize
	if c.download != nil {
		want = 1
	}
	n, e := c.l.out.receive(c.fd, want, c.spec.BufferSize)
	if e == unix.EAGAIN || e == unix.EINTR {
		c.ready = e == unix.EINTR
		return true
	}
	c.touch()
	if !c.heard && c.spec.FirstByte {
		c.s.Advance(stream.Event{Kind: stream.FirstByte})
	}
	c.heard = true
	c.ready = n == want
	if e != 0 {
		c.fail(stream.UpstreamSide, stream.OpRecv, e)
		c.packets.Responses++
		c.ready = true
		return true
	}
	c.packets.Responses += n
	size := c.l.out.size(n)
	c.s.Traffic.FromUpstream.Add(int64(size))
	c.download.read(size)
	if e := c.sendClient(n); e != 0 {
		c.fail(stream.ClientSide, stream.OpSendMsg, e)
		c.end(relay.ClientError)
		return false
	}
	return true
}

// sendClient sends the first n datagrams of the loop's batch to the client. Those that the socket does not take now are queued.
func (c *conn) sendClient(n int) unix.Errno {
	out := c.l.out
	out.address(n, c)
	for i := 0; i < n; {
		sent, e := out.send(c.p.fd, i, n)
		switch e {
		case 0:
			c.s.Traffic.ToClient.Add(int64(out.size(i+sent) - out.size(i)))
			i += sent
		case unix.EINTR:
		case unix.EAGAIN:
			for ; i < n; i++ {
				c.toClient.push(out.data(i))
			}
			c.retryLater()
		default:
			return e
		}
	}
	return 0
}

// control is what makes the kernel answer from the address that the client has asked.
func (c *conn) control(room *[controlSize]byte) []byte {
	if !c.local.IsValid() {
		return nil
	}
	return putLocal(room, c.local)
}
