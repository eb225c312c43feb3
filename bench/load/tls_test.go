//go:build linux

package load

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/netip"
	"testing"
	"time"
)

// terminate starts a TLS server that passes the decrypted bytes to the target, and returns a target
// for it.
func terminate(t *testing.T, to *Target) *Target {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sheet := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, sheet, sheet, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go pass(c, to.Addrs[0].String())
		}
	}()
	return &Target{Addrs: []netip.AddrPort{l.Addr().(*net.TCPAddr).AddrPort()}, Sources: to.Sources, TLS: &tls.Config{ServerName: "mqtt.example", InsecureSkipVerify: true}}
}

// pass relays between c and the address.
func pass(c net.Conn, addr string) {
	defer c.Close()
	up, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer up.Close()
	go func() {
		io.Copy(up, c)
		up.Close()
	}()
	io.Copy(c, up)
}

func TestLoadsUseTLS(t *testing.T) {
	tests := []struct {
		name string
		test interface {
			Run(context.Context, *Target) (Result, error)
		}
		ops float64
	}{
		{"storm", Storm{Sessions: 50, AtOnce: 8}, 50},
		{"ping pong with packets longer than a record", PingPong{Sessions: 2, RoundTrips: 6, Size: 100_000}, 6},
		{"fan in", FanIn{Sessions: 5, Messages: 50_000, Rate: 100_000, Size: 128}, 50_000},
		{"up", Bulk{Sessions: 2, Bytes: 64 << 20}, 64.0 / 1024},
		{"down", Bulk{Sessions: 2, Bytes: 8 << 20, Down: true}, 8.0 / 1024},
		{"idle", Idle{Sessions: 20, Settle: time.Millisecond}, 20},
		{"beside", Beside{Load: Ping{Sessions: 10, Pings: 100, Rate: 1000}, Storm: Storm{AtOnce: 8}}, 100},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plain := broker(t)
			target := terminate(t, plain)
			if b, ok := tt.test.(Beside); ok {
				secure := target
				b.Aside = func(*Target) *Target { return secure }
				tt.test, target = b, plain
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			got, err := tt.test.Run(ctx, target)
			if err != nil {
				t.Fatal(err)
			}
			if got.Ops != tt.ops {
				t.Errorf("operations: got %v, want %v", got.Ops, tt.ops)
			}
		})
	}
}

// TestSessionsResume tests that clients with a session cache resume.
func TestSessionsResume(t *testing.T) {
	target := terminate(t, broker(t))
	target.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	resumed := 0
	target.TLS.VerifyConnection = func(c tls.ConnectionState) error {
		if c.DidResume {
			resumed++
		}
		return nil
	}
	if _, err := (Storm{Sessions: 20, AtOnce: 1}).Run(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	if resumed != 19 {
		t.Errorf("%d of 20 sessions were resumed, want 19", resumed)
	}
}
