package examples_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"weir/conformance/authority"
	"weir/conformance/installed"
)

// newAuthority returns an authority with files in a directory of the test.
func newAuthority(t *testing.T, name string) *authority.Authority {
	t.Helper()
	a, err := authority.New(t.TempDir(), name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// pair returns the certificate that a call has made.
func pair(t *testing.T) func(authority.Pair, error) authority.Pair {
	t.Helper()
	return func(p authority.Pair, err error) authority.Pair {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

// A fleet is the example mtls-fleet with its authority and brokers.
type fleet struct {
	*running
	ca      *authority.Authority
	brokers []*broker
	revoked authority.Pair
	inner   string // address of the server to which sessions are passed
}

func startFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{ca: newAuthority(t, "devices-ca"), brokers: startBrokers(t, brokerOptions{count: 3, header: true})}
	server := pair(t)(f.ca.Server(brokerName))
	f.revoked = pair(t)(f.ca.Client("stolen", "Fleet"))
	list, err := f.ca.Revoke(f.revoked)
	if err != nil {
		t.Fatal(err)
	}
	f.running = example(t, "mtls-fleet")
	if err := os.Mkdir(filepath.Join(f.dir, "tls"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{
		"mqtt.pem": server.Cert, "mqtt.key": server.Key, "devices-ca.pem": f.ca.Path, "devices-ca.crl": list,
	} {
		if err := os.Symlink(path, filepath.Join(f.dir, "tls", name)); err != nil {
			t.Fatal(err)
		}
	}
	f.listen("8883")
	f.inner = freeAddr(t)
	f.replace("127.0.0.1:8884", f.inner)
	f.running.brokers("1883", f.brokers)
	f.start()
	return f
}

// as returns a connection of a client with a certificate.
func (f *fleet) as(p authority.Pair) net.Conn {
	f.t.Helper()
	return tls.Client(f.dial(), &tls.Config{
		RootCAs: f.ca.Pool(), ServerName: brokerName,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &p.TLS, nil },
	})
}

// TestMutualTLSFleet tests that certificates choose brokers, are limited, and are logged.
func TestMutualTLSFleet(t *testing.T) {
	f := startFleet(t)
	device := pair(t)(f.ca.Client("device-1", "Fleet"))
	conn := f.as(device)
	greet(t, conn, "first")
	greet(t, f.as(device), "second")
	if err := tryGreet(f.as(device), "third"); err == nil {
		t.Error("a third connection with one certificate was accepted")
	}
	homes := brokersOf("first", f.brokers[:2])
	if len(homes) != 1 || homes[0].seen("second") == "" {
		t.Fatalf("one certificate met several brokers: %v", homes)
	}
	if got, want := homes[0].seen("first"), conn.LocalAddr().String(); got != want {
		t.Errorf("the broker takes %s for the device's address, want %s", got, want)
	}
	greet(t, f.as(pair(t)(f.ca.Client("meter-1", "Meters"))), "meter")
	if homes := brokersOf("meter", f.brokers[2:]); len(homes) != 1 {
		t.Errorf("the meter met %d brokers of its group, want 1", len(homes))
	}
	f.await("a log line with the certificate", func() bool {
		text, err := os.ReadFile(filepath.Join(f.dir, "logs", "fleet.log"))
		return err == nil && strings.Contains(string(text), fmt.Sprintf(`SUCCESS "CN=device-1,O=Fleet" %02X days_left=0`, device.TLS.Leaf.SerialNumber))
	})
	stranger := pair(t)(newAuthority(t, "other-ca").Client("device-1", "Fleet"))
	for name, p := range map[string]authority.Pair{"no certificate": {}, "another authority": stranger, "a revoked certificate": f.revoked} {
		if err := tryGreet(f.as(p), "refused"); err == nil {
			t.Errorf("a client with %s was accepted", name)
		}
	}
	inner, err := net.Dial("tcp", f.inner)
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	if err := tryGreet(inner, "plain"); err == nil {
		t.Error("a local client without TLS was accepted")
	}
}

// TestMosquittoInFleet lets the clients of mosquitto pass through.
func TestMosquittoInFleet(t *testing.T) {
	publisher := installed.Program(t, "mosquitto_pub", "mosquitto-clients")
	f := startFleet(t)
	device := pair(t)(f.ca.Client("device-1", "Fleet"))
	host, port, _ := net.SplitHostPort(f.addr)
	common := []string{"-h", host, "-p", port, "--cafile", f.ca.Path, "-t", "hello", "-m", "world", "-q", "1"}
	out, err := exec.Command(publisher, append(common, "-i", "with", "--cert", device.Cert, "--key", device.Key)...).CombinedOutput()
	if err != nil || len(brokersOf("with", f.brokers)) != 1 {
		t.Errorf("with a certificate: %v: %s", err, out)
	}
	if err := exec.Command(publisher, append(common, "-i", "without")...).Run(); err == nil || len(brokersOf("without", f.brokers)) != 0 {
		t.Errorf("without a certificate: %v, want a failure", err)
	}
}
