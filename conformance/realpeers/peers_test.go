package realpeers

import (
	"fmt"
	"slices"
	"testing"

	"weir/conformance/installed"
	"weir/conformance/program"
)

// cluster is a kind of brokers behind weir.
type cluster struct {
	name    string
	levels  []byte // MQTT protocol levels that they support
	header  string // value of proxy_protocol
	brokers func(*testing.T) []*broker
	homes   int  // number of brokers, from the first, on which clients are tested
	v2      bool // they also accept "proxy_protocol v2"
}

// clusters are all brokers under test. The decoder that aedes uses (proxy-protocol-js) treats the
// TLVs after the addresses of a v2 header as the client's bytes, and nginx always sends one, the
// checksum.
func clusters() []cluster {
	return []cluster{
		{"rabbitmq", []byte{3, 4}, "on", several(startRabbitMQ, startMochi, startMochi), 1, true},
		{"mochi", []byte{3, 4, 5}, "on", several(startMochi, startMochi, startMochi), 3, true},
		{"aedes", []byte{3, 4}, "on", several(startAedes, startAedes), 2, false},
		{"mosquitto", []byte{3, 4, 5}, "off", several(startMosquitto, startMosquitto, startMosquitto), 3, false},
	}
}

// several starts brokers one after another.
func several(starts ...func(*testing.T) *broker) func(*testing.T) []*broker {
	return func(t *testing.T) []*broker {
		t.Helper()
		var bs []*broker
		for _, start := range starts {
			bs = append(bs, start(t))
		}
		return bs
	}
}

// TestTLSPeers lets every client connect with TLS and a certificate; the broker behind weir has no TLS.
func TestTLSPeers(t *testing.T) {
	t.Parallel()
	home := startMosquitto(t)
	f := (&front{header: "off", brokers: []*broker{home}, tls: shared}).start(t)
	for i, c := range clients() {
		t.Run(c.name, func(t *testing.T) {
			runVisitor(t, visitor{front: f, home: home, client: c.client, id: idAt(t, f, home, fmt.Sprintf("client%d", i))})
		})
	}
	t.Run("without a certificate", func(t *testing.T) {
		args := []string{"-h", hostOf(f.addr), "-p", portOf(f.addr), "--cafile", shared.CA, "-i", "stranger", "-t", "up", "-m", "x"}
		p := start(t, nil, nil, installed.Program(t, "mosquitto_pub", "mosquitto-clients"), args...)
		program.Await(t, "the end of mosquitto_pub", p.hasEnded)
		if code := p.cmd.ProcessState.ExitCode(); code == 0 || len(home.record.of("stranger")) > 0 {
			t.Errorf("mosquitto_pub: exit code %d, sessions at the broker: %v", code, home.record.of("stranger"))
		}
	})
}

// TestPeers runs every client against every cluster that supports its protocol version.
func TestPeers(t *testing.T) {
	for _, cl := range clusters() {
		t.Run(cl.name, func(t *testing.T) {
			t.Parallel()
			f := startWeir(t, cl.header, cl.brokers(t))
			for i, c := range clients() {
				if !slices.Contains(cl.levels, c.client.level()) {
					continue // not a combination: the broker refuses that version with or without weir
				}
				t.Run(c.name, func(t *testing.T) {
					home := f.brokers[i%cl.homes]
					runVisitor(t, visitor{front: f, home: home, client: c.client, id: idAt(t, f, home, fmt.Sprintf("client%d", i))})
				})
			}
			if cl.v2 {
				t.Run("PROXY v2", func(t *testing.T) {
					f := startWeir(t, "v2", f.brokers)
					runVisitor(t, visitor{front: f, home: f.brokers[0], client: pahoClassic{4}, id: idAt(t, f, f.brokers[0], "v2")})
				})
			}
			t.Run("MQTT filter", func(t *testing.T) {
				f := (&front{header: cl.header, brokers: f.brokers[:1], filter: true}).start(t)
				for i, c := range clients() {
					if slices.Contains(cl.levels, c.client.level()) {
						t.Run(c.name, func(t *testing.T) { testFilter(t, f, c.client, fmt.Sprintf("renamed%d", i)) })
					}
				}
			})
			if home := f.brokers[0]; home.tlsAddr != "" {
				t.Run("TLS on both sides", func(t *testing.T) {
					f := (&front{header: cl.header, brokers: f.brokers[:1], tls: shared, brokersTLS: shared}).start(t)
					for i, c := range []client{mosquittoClients{"mqttv311", 4}, pahoClassic{4}} {
						runVisitor(t, visitor{front: f, home: home, client: c, id: idAt(t, f, home, fmt.Sprintf("tls%d", i))})
					}
				})
			}
		})
	}
}

// runVisitor runs all steps of one client.
func runVisitor(t *testing.T, v visitor) {
	t.Helper()
	v.testSubscribe(t)
	v.testPublish(t)
	v.testKill(t)
}

// testFilter publishes, and is cut off with a will. The broker knows the client by the identifier that
// weir has set, and accepts both of its packets.
func testFilter(t *testing.T, f *front, client client, id string) {
	t.Helper()
	home := f.brokers[0]
	c := call{addr: f.addr, source: "127.0.0.16", id: id, topic: "up/" + id, payload: "hello", willTopic: "will/" + id, will: "gone"}
	from := client.publish(t, c)
	home.observer.await(t, message{topic: c.topic, payload: c.payload, qos: 1})
	f.awaitLogged(t, from, id)
	client.subscribe(t, c).kill(t)
	home.observer.await(t, message{topic: c.willTopic, payload: c.will, qos: 1})
	program.Await(t, "two sessions of fleet-"+id, func() bool { return len(home.record.of("fleet-"+id)) == 2 })
	if n := len(home.record.of(id)); n > 0 {
		t.Errorf("the broker met %d clients with the identifier that the client has sent", n)
	}
}

// idAt returns an identifier that weir sends to home, as another client, paho, finds out.
func idAt(t *testing.T, f *front, home *broker, prefix string) string {
	t.Helper()
	const most = 200 // with three equal brokers, chance alone fails one time in 10^35
	for i := range most {
		id := fmt.Sprintf("%s-%d", prefix, i)
		before := f.counts(id)
		pahoClassic{4}.publish(t, call{addr: f.addr, source: "127.0.0.21", id: id, topic: "probe/" + id, payload: "probe", tls: f.tls})
		if b, _ := f.awaitVisit(t, id, before); b == home {
			awaitLeft(t, home, id, true)
			return id
		}
	}
	t.Fatalf("none of %d clients met %s at %s", most, home.name, home.addr)
	return ""
}

// visitor is a client under test whose identifier has a home broker.
type visitor struct {
	front  *front
	home   *broker
	client client
	id     string
}

// call returns a call to weir.
func (v visitor) call(source, topic string) call {
	return call{addr: v.front.addr, source: source, id: v.id, topic: topic + "/" + v.id, willTopic: "will/" + v.id, tls: v.front.tls}
}

// testSubscribe subscribes, receives a message at QoS 1, and disconnects.
func (v visitor) testSubscribe(t *testing.T) {
	t.Helper()
	before := v.front.counts(v.id)
	c := v.call("127.0.0.11", "down")
	c.will = "first"
	s := v.client.subscribe(t, c)
	v.checkBroker(t, before, s.from)
	v.home.observer.publish(t, c.topic, "hello down there")
	s.await(t, message{topic: c.topic, payload: "hello down there", qos: 1})
	s.end(t)
	awaitLeft(t, v.home, v.id, true)
	v.front.awaitLogged(t, s.from, v.id)
}

// testPublish publishes at QoS 1 from two other addresses.
func (v visitor) testPublish(t *testing.T) {
	t.Helper()
	for _, source := range []string{"127.0.0.12", "127.0.0.13"} {
		before := v.front.counts(v.id)
		c := v.call(source, "up")
		c.payload = "hello from " + source
		from := v.client.publish(t, c)
		v.checkBroker(t, before, from)
		v.home.observer.await(t, message{topic: c.topic, payload: c.payload, qos: 1})
		awaitLeft(t, v.home, v.id, true)
		v.front.awaitLogged(t, from, v.id)
	}
}

// testKill is cut off: of its two wills the broker publishes only the one of the session without
// DISCONNECT.
func (v visitor) testKill(t *testing.T) {
	t.Helper()
	before := v.front.counts(v.id)
	c := v.call("127.0.0.15", "down")
	c.will = "second"
	s := v.client.subscribe(t, c)
	v.checkBroker(t, before, s.from)
	s.kill(t)
	v.home.observer.await(t, message{topic: c.willTopic, payload: "second", qos: 1})
	awaitLeft(t, v.home, v.id, false)
	if v.home.observer.has(message{topic: c.willTopic, payload: "first", qos: 1}) {
		t.Error("the broker published the will of a client that had disconnected")
	}
}

// checkBroker checks which broker met the client since before, and that it knows the client's own
// address if it can.
func (v visitor) checkBroker(t *testing.T, before map[*broker]int, from string) {
	t.Helper()
	b, m := v.front.awaitVisit(t, v.id, before)
	if b != v.home {
		t.Fatalf("from %s, %s met %s at %s, want its home at %s", from, v.id, b.name, b.addr, v.home.addr)
	}
	seen := m.from
	if from == hostOf(from) { // the client does not know its port
		seen = hostOf(seen)
	}
	if known := seen == from; known != b.proxied {
		t.Errorf("%s takes %s for the address of %s, which is %s; knows it: %v, want %v", b.name, m.from, v.id, from, known, b.proxied)
	}
	if m.header != "" && m.header != v.front.header {
		t.Errorf("%s read a PROXY header for proxy_protocol %s, want %s", b.name, m.header, v.front.header)
	}
}

// awaitLeft waits until b knows that the latest session of id has ended, and checks how.
func awaitLeft(t *testing.T, b *broker, id string, clean bool) {
	t.Helper()
	var latest brokerSession
	program.Await(t, b.name+" to see the end of "+id, func() bool {
		ms := b.record.of(id)
		latest = ms[len(ms)-1]
		return latest.left
	})
	if latest.clean != clean {
		t.Errorf("%s saw the end of %s, with DISCONNECT: %v, want %v", b.name, id, latest.clean, clean)
	}
}
