package clienthello

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/conformance/installed"
)

// oneWay is a connection that receives the bytes of a reader and records what is sent.
type oneWay struct {
	io.Reader
	bytes.Buffer
}

func (c *oneWay) Read(b []byte) (int, error)         { return c.Reader.Read(b) }
func (c *oneWay) Write(b []byte) (int, error)        { return c.Buffer.Write(b) }
func (c *oneWay) Close() error                       { return nil }
func (c *oneWay) LocalAddr() net.Addr                { return nil }
func (c *oneWay) RemoteAddr() net.Addr               { return nil }
func (c *oneWay) SetDeadline(time.Time) error        { return nil }
func (c *oneWay) SetReadDeadline(t time.Time) error  { return nil }
func (c *oneWay) SetWriteDeadline(t time.Time) error { return nil }

// sent returns the bytes that a client of crypto/tls sends first.
func sent(config *tls.Config) []byte {
	conn := &oneWay{Reader: bytes.NewReader(nil)}
	_ = tls.Client(conn, config).Handshake() // fails at the end of the reader
	return conn.Bytes()
}

// inspected returns the ClientHello as crypto/tls reads it, or nil if it does not accept it.
func inspected(head []byte) (hello *tls.ClientHelloInfo) {
	conn := &oneWay{Reader: bytes.NewReader(head)}
	config := &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		hello = h
		return nil, errors.New("enough")
	}}
	_ = tls.Server(conn, config).HandshakeContext(context.Background())
	return hello
}

// checkAgainst tests that head, which crypto/tls reads as hello, is read alike here. The extension
// with the versions means TLS 1.3 to nginx, whatever it lists.
func checkAgainst(t *testing.T, head []byte, hello *tls.ClientHelloInfo) {
	t.Helper()
	newest := slices.Max(hello.SupportedVersions)
	version := Version{byte(newest >> 8), byte(newest)}
	if slices.Contains(hello.Extensions, extensionSupportedVersions) {
		version = version13
	}
	want := result{Done, version.String(), hello.ServerName, strings.Join(hello.SupportedProtos, ",")}
	if got := parse(&Parser{}, head); got != want {
		t.Errorf("got %q, crypto/tls %q of\n%x", got, want, head)
	}
}

// configs are clients whose hellos differ.
func configs() (all []*tls.Config) {
	for _, name := range []string{"", "broker.example.com", strings.Repeat("a.", 100) + "example"} {
		for _, protocols := range [][]string{nil, {"mqtt"}, {"h2", "http/1.1", strings.Repeat("p", 255)}} {
			for _, curves := range [][]tls.CurveID{nil, {tls.X25519}, {tls.X25519MLKEM768, tls.CurveP256}} {
				for version := uint16(tls.VersionTLS10); version <= tls.VersionTLS13; version++ {
					all = append(all, &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: protocols,
						CurvePreferences: curves, MinVersion: tls.VersionTLS10, MaxVersion: version})
				}
			}
		}
	}
	return all
}

// TestGoClients compares the hellos of crypto/tls with its own reading of them, in one record and in
// several.
func TestGoClients(t *testing.T) {
	largest := 0
	for _, config := range configs() {
		head := sent(config)
		largest = max(largest, len(head))
		hello := inspected(head)
		if hello == nil {
			t.Fatalf("crypto/tls does not accept its own hello: %x", head)
		}
		checkAgainst(t, head, hello)
		for _, n := range []int{1, 5, 100, 1000} {
			checkAgainst(t, records(head[recordHeader:], n), hello)
		}
	}
	if largest < 1300 {
		t.Errorf("the largest hello has %d bytes, want one with a post-quantum key share", largest)
	}
}

// TestOpenSSLClients compares hellos of openssl, as far as it is installed and has the options, with
// the reading of crypto/tls.
func TestOpenSSLClients(t *testing.T) {
	openssl := installed.Program(t, "openssl", "openssl")
	read := 0
	for _, options := range []string{
		"-tls1_2 -noservername", "-tls1_2 -servername broker.example.com -alpn mqtt", "-tls1_3 -servername a.example -alpn h2,http/1.1",
		"-servername broker.example.com", "-tls1_3 -groups X25519MLKEM768 -servername pq.example", "-groups X25519:P-256:P-384:P-521 -alpn x",
	} {
		head := sentByOpenSSL(t, openssl, strings.Fields(options))
		if head == nil {
			t.Logf("openssl does not support %s", options)
			continue
		}
		read++
		hello := inspected(head)
		if hello == nil {
			t.Errorf("%s: crypto/tls does not accept %x", options, head)
			continue
		}
		checkAgainst(t, head, hello)
	}
	if read < 4 {
		t.Errorf("openssl sent %d hellos, want at least 4", read)
	}
}

// sentByOpenSSL returns the bytes that openssl s_client sends first, or nil if it refuses the
// options.
func sentByOpenSSL(t *testing.T, openssl string, options []string) []byte {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan []byte, 1)
	go receiveFirst(l, received)
	cmd := exec.Command(openssl, append([]string{"s_client", "-connect", l.Addr().String()}, options...)...)
	_ = cmd.Run() // fails, because the server closes
	l.Close()
	return <-received
}

// receiveFirst sends the bytes of the first connection of l, up to the end of a record, or nil.
func receiveFirst(l net.Listener, received chan<- []byte) {
	conn, err := l.Accept()
	if err != nil {
		received <- nil
		return
	}
	defer conn.Close()
	head := make([]byte, recordHeader)
	if _, err := io.ReadFull(conn, head); err != nil {
		received <- nil
		return
	}
	rest := make([]byte, int(head[3])<<8|int(head[4]))
	_, _ = io.ReadFull(conn, rest)
	received <- append(head, rest...)
}

// FuzzParse tests that the pieces make no difference, and that a hello that crypto/tls accepts is
// read alike.
func FuzzParse(f *testing.F) {
	for _, r := range rows() {
		f.Add(r.input[:min(len(r.input), 2048)])
	}
	for _, config := range configs() {
		f.Add(sent(config))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), 2048)]
		checkCuts(t, b)
		hello := inspected(b)
		got := parse(&Parser{}, b)
		if hello == nil || got.state == Declined && hasOtherName(b, hello) {
			return
		}
		want := fmt.Sprintf("%d %s %s", Done, hello.ServerName, strings.Join(hello.SupportedProtos, ","))
		if got := fmt.Sprintf("%d %s %s", got.state, got.name, got.protocols); got != want {
			t.Errorf("got %q, crypto/tls %q", got, want)
		}
	})
}

// hasOtherName reports whether the list of names may begin with a name of another type, which
// crypto/tls skips.
func hasOtherName(b []byte, hello *tls.ClientHelloInfo) bool {
	return slices.Contains(hello.Extensions, extensionServerName) && !bytes.Contains(b, sni(hello.ServerName))
}
