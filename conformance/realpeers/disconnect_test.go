package realpeers

import (
	"fmt"
	"path/filepath"
	"testing"

	paho "github.com/eclipse/paho.golang/paho"

	"weir/conformance/program"
)

// TestDisconnect lets real clients of MQTT 5.0 end with a DISCONNECT of weir, after packets of a real broker.
func TestDisconnect(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		start  func(*testing.T) *broker
		header string
		tls    *credentials
	}{
		{"mosquitto", startMosquitto, "off", nil},
		{"mosquitto behind TLS", startMosquitto, "off", shared},
		{"mochi", startMochi, "on", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := tt.start(t)
			f := &front{addr: freeAddr(t)}
			f.run(t, disconnecting(f.addr, tt.header, b.addr, tt.tls))
			s := new(session)
			client, _ := pahoV5{}.connect(t, call{addr: f.addr, id: "leaves", topic: "down", tls: tt.tls}, s)
			if _, err := client.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "down", QoS: 1}}}); err != nil {
				t.Fatal(err)
			}
			pahoV5{}.publish(t, call{addr: f.addr, id: "other", topic: "down", payload: "hello", tls: tt.tls})
			s.await(t, message{topic: "down", payload: "hello", qos: 1})
			drain := start(t, nil, nil, weirBinary, "drain", "-p", f.prefix, "-c", filepath.Join(f.prefix, "nginx.conf"), "brokers", b.addr, "--rate", "100", "--wait")
			program.Await(t, "the end of the drain", drain.hasEnded)
			<-client.Done()
			program.Await(t, "the DISCONNECT", func() bool { return s.disconnect.Load() != nil })
			got := s.disconnect.Load()
			if got.ReasonCode != 0x9c || got.Properties.ServerReference != "mqtt.example.com:1883" {
				t.Errorf("got reason %#x, reference %q", got.ReasonCode, got.Properties.ServerReference)
			}
		})
	}
}

// disconnecting returns a configuration that ends the sessions of a broker with a DISCONNECT.
func disconnecting(listen, header, broker string, secured *credentials) string {
	ssl := ""
	if secured != nil {
		listen += " ssl"
		ssl = fmt.Sprintf("ssl_certificate %s; ssl_certificate_key %s;", secured.Server.Cert, secured.Server.Key)
	}
	return fmt.Sprintf(`error_log logs/error.log info;
pid weir.pid;
events { }
stream {
    mqtt_preread on;
    fleet_disconnect on reference=mqtt.example.com:1883;
    upstream brokers { zone brokers 64k; server %s; }
    server {
        listen %s;
        proxy_pass brokers;
        proxy_protocol %s;
        %s
    }
}
`, broker, listen, header, ssl)
}
