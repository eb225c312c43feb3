package main

import (
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// patience is how long a test waits for something that is expected.
const patience = 60 * time.Second

// startBroker starts a server that answers CONNECT and PINGREQ, and returns its address.
func startBroker(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answer(conn)
		}
	}()
	return l.Addr().String()
}

// answer serves a client. Its packets are shorter than 128 bytes.
func answer(conn net.Conn) {
	defer conn.Close()
	head := make([]byte, 2)
	for {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		if _, err := io.CopyN(io.Discard, conn, int64(head[1])); err != nil {
			return
		}
		reply := []byte{0x20, 2, 0, 0} // CONNACK
		if head[0] == 0xc0 {
			reply = []byte{0xd0, 0} // PINGRESP
		}
		if _, err := conn.Write(reply); err != nil {
			return
		}
	}
}

// A client is a connection to weir after CONNACK.
type client struct{ net.Conn }

// connect connects a client with an identifier of at most 100 bytes.
func connect(addr, id string) (*client, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	c := &client{conn}
	packet := append([]byte{0x10, byte(12 + len(id)), 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 60, 0, byte(len(id))}, id...)
	if err := c.exchange(packet, 0x20, 4); err != nil {
		conn.Close()
		return nil, err
	}
	return c, nil
}

// ping sends PINGREQ through weir.
func (c *client) ping() error { return c.exchange([]byte{0xc0, 0}, 0xd0, 2) }

// exchange sends a packet, and reads the answer of n bytes.
func (c *client) exchange(packet []byte, kind byte, n int) error {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write(packet); err != nil {
		return err
	}
	reply := make([]byte, n)
	if _, err := io.ReadFull(c, reply); err != nil {
		return err
	}
	if reply[0] != kind {
		return fmt.Errorf("got the packet %x, want the kind %x", reply, kind)
	}
	return nil
}

// mustConnect connects a client as soon as weir accepts it.
func mustConnect(t *testing.T, addr, id string) *client {
	t.Helper()
	var c *client
	await(t, "a client to connect to "+addr, func() (err error) {
		c, err = connect(addr, id)
		return err
	})
	t.Cleanup(func() { c.Close() })
	return c
}

// await calls a function until it returns no error.
func await(t *testing.T, what string, try func() error) {
	t.Helper()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.After(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-ticker.C:
		case <-timeout:
			t.Fatalf("waited for %s: %v", what, err)
		}
	}
}

// freeAddr returns a free address outside the range of ports that the system gives to clients.
func freeAddr(t *testing.T) string {
	t.Helper()
	for nextPort < 9990 {
		nextPort++
		addr := fmt.Sprintf("127.0.0.1:%d", nextPort)
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

var nextPort = 9700
