// Package examples_test starts weir with each example, with brokers behind it, and connects a
// client.
package examples_test

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/conformance/binary"
	"weir/conformance/peers"
)

// weirBinary is the program under test.
var weirBinary string

func TestMain(m *testing.M) {
	os.Exit(binary.Tests(func(path string) int {
		weirBinary = path
		return m.Run()
	}).Run())
}

// TestEveryExampleHasATest checks that there is a test for each directory with a configuration.
func TestEveryExampleHasATest(t *testing.T) {
	tests := testFiles(t)
	confs, err := filepath.Glob("*/nginx.conf")
	if err != nil || len(confs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, conf := range confs {
		if name := filepath.Dir(conf); !strings.Contains(tests, fmt.Sprintf("example(t, %q)", name)) {
			t.Errorf("no test starts %s", name)
		}
	}
}

// testFiles returns the text of all tests.
func testFiles(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

func TestEMQXSticky(t *testing.T) {
	brokers := startBrokers(t, brokerOptions{count: 3, header: true})
	e := example(t, "emqx-sticky")
	e.listen("1880")
	e.replace("127.0.0.1:1891", brokers[0].addr)
	e.replace("127.0.0.1:1892", brokers[1].addr)
	e.replace("127.0.0.1:1893", brokers[2].addr)
	e.start()
	checkSticky(t, e, brokers)
}

func TestCompose(t *testing.T) {
	brokers := startBrokers(t, brokerOptions{count: 3, header: true})
	e := example(t, "compose")
	e.listen("1883")
	e.replace("172.30.18.11:1883", brokers[0].addr)
	e.replace("172.30.18.12:1883", brokers[1].addr)
	e.replace("172.30.18.13:1883", brokers[2].addr)
	e.replace("/dev/stdout", "logs/mqtt.log")
	e.start()
	checkSticky(t, e, brokers)
}

// checkSticky connects clients twice, each of which must reach one broker.
func checkSticky(t *testing.T, e *running, brokers []*broker) {
	t.Helper()
	for i := range 8 {
		id := fmt.Sprintf("pump-%d", i)
		for range 2 {
			greet(t, e.dial(), id)
		}
		if homes := brokersOf(id, brokers); len(homes) != 1 {
			t.Errorf("%s met %d brokers, want 1", id, len(homes))
		}
	}
}

// The names in the certificates, which clients verify.
const (
	brokerName = "mqtt.example.com"
	meterName  = "meters.example.com"
)

func TestTLSPassthrough(t *testing.T) {
	ca := newAuthority(t, "ca")
	server := pair(t)(ca.Server(brokerName, meterName))
	brokers := startBrokers(t, brokerOptions{count: 3, tls: &tls.Config{Certificates: []tls.Certificate{server.TLS}}})
	e := example(t, "tls-passthrough")
	e.listen("8883")
	e.brokers("8883", brokers)
	e.start()
	greet(t, tls.Client(e.dial(), &tls.Config{RootCAs: ca.Pool(), ServerName: brokerName}), "device-1")
	if homes := brokersOf("device-1", brokers[:2]); len(homes) != 1 {
		t.Errorf("the device met %d brokers of its group, want 1", len(homes))
	}
	greet(t, tls.Client(e.dial(), &tls.Config{RootCAs: ca.Pool(), ServerName: meterName}), "meter-1")
	if homes := brokersOf("meter-1", brokers[2:]); len(homes) != 1 {
		t.Errorf("the meter met %d brokers of its group, want 1", len(homes))
	}
}

func TestRateAndLimits(t *testing.T) {
	brokers := startBrokers(t, brokerOptions{count: 2})
	e := example(t, "rate-and-limits")
	e.listen("1883")
	e.brokers("1883", brokers)
	e.start()
	const limit = 20 // limit_conn per_address
	for i := range limit {
		greet(t, e.dial(), fmt.Sprintf("client-%d", i))
	}
	if err := tryGreet(e.dial(), "one-too-many"); err == nil {
		t.Errorf("%d sessions from one address were let in, want %d", limit+1, limit)
	}
}

// TestActiveActive starts two weirs with one configuration: a client reaches the same broker
// through both.
func TestActiveActive(t *testing.T) {
	brokers := startBrokers(t, brokerOptions{count: 3, header: true})
	var weirs []*running
	for range 2 {
		e := example(t, "active-active")
		e.listen("1883")
		e.replace("listen 127.0.0.1:1884;", "listen "+freeAddr(t)+";")
		e.brokers("1883", brokers)
		e.start()
		weirs = append(weirs, e)
	}
	for i := range 8 {
		id := fmt.Sprintf("pump-%d", i)
		for _, e := range weirs {
			greet(t, e.dial(), id)
		}
		if homes := brokersOf(id, brokers); len(homes) != 1 {
			t.Errorf("%s met %d brokers through two weirs, want 1", id, len(homes))
		}
	}
}

// TestKubernetes serves the ConfigMap's volume as the kubelet creates it, and changes it.
func TestKubernetes(t *testing.T) {
	brokers := startBrokers(t, brokerOptions{count: 3, samePort: true})
	dns, err := peers.StartDNS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dns.Close)
	var hosts []string
	_, port, _ := net.SplitHostPort(brokers[0].addr)
	for _, b := range brokers {
		host, _, _ := net.SplitHostPort(b.addr)
		hosts = append(hosts, host)
	}
	if err := dns.Set("broker.mqtt.svc.cluster.local", "A", 5, hosts...); err != nil {
		t.Fatal(err)
	}

	e := example(t, "kubernetes")
	e.listen("1883")
	e.replace("kube-dns.kube-system.svc.cluster.local", dns.Addr())
	e.replace("broker.mqtt.svc.cluster.local:1883", "broker.mqtt.svc.cluster.local:"+port)
	e.replace("/dev/stdout", "logs/mqtt.log")
	e.mount()
	e.start("-watch")
	e.await("the name of the brokers to be known", func() bool { return tryGreet(e.dial(), "first") == nil })
	checkSticky(t, e, brokers)

	second := freeAddr(t)
	e.replace("listen "+e.addr+";", "listen "+e.addr+"; listen "+second+";")
	e.mount()
	e.await("weir to reload", func() bool { return accepts(second) && tryGreet(e.dial(), "second") == nil })
	checkSticky(t, e, brokers)
}
