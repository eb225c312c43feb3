package peers

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"
)

func TestConnectRoundTrip(t *testing.T) {
	for name, c := range map[string]Connect{
		"3.1":             {Level: 3, ClientID: "old"},
		"3.1.1 anonymous": {Level: 4, ClientID: "device-1"},
		"3.1.1 user":      {Level: 4, ClientID: "device-1", Username: "anna", Password: "secret"},
		"5":               {Level: 5, ClientID: "device-1", Username: "anna"},
		"long":            {Level: 4, ClientID: string(bytes.Repeat([]byte("x"), 300))},
	} {
		t.Run(name, func(t *testing.T) {
			b := c.Bytes()
			body := b[len(b)-int(payloadLen(b)):]
			got, err := parseConnect(body)
			if err != nil || got != c {
				t.Errorf("got %+v, %v, want %+v", got, err, c)
			}
		})
	}
}

// payloadLen decodes the remaining length of a packet of less than 16 KiB.
func payloadLen(b []byte) uint16 {
	n := uint16(b[1] & 0x7f)
	if b[1]&0x80 != 0 {
		n |= uint16(b[2]) << 7
	}
	return n
}

func TestBrokerReportsClientAndProxyLine(t *testing.T) {
	var fleet Fleet
	p, err := Start("a", "127.0.0.1:0", fleet.Broker("a"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	c, err := net.Dial("tcp", p.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(5 * time.Second))
	connect := Connect{Level: 4, ClientID: "device-1"}
	publish := Publish("t", "hello")
	c.Write([]byte("PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n"))
	c.Write(connect.Bytes())
	c.Write(publish)
	want := append(Connack(4), publish...)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %x, %v, want %x", got, err, want)
	}
	sessions := fleet.Sessions("device-1")
	if len(sessions) != 1 || sessions[0] != (Session{"a", "PROXY TCP4 192.0.2.7 127.0.0.1 1 2", connect}) {
		t.Errorf("got sessions %+v", sessions)
	}
}

func TestFullHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	f, err := StartFull(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	if c, err := net.DialTimeout("tcp", addr, hangsAfter); err == nil {
		c.Close()
		t.Error("a connect to a full queue succeeded")
	}
}
