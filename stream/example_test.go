package stream_test

import (
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"weir/directives"
	"weir/directives/conf"
	"weir/parser"
	"weir/stream"
	"weir/stream/offline"
)

// A session does not touch a socket: a driver reports events to it and performs the steps that it
// returns. Here the driver is a list of events, and the example prints the steps that the session
// returns. The broker that the client's identifier hashes to refuses the connection, so the session
// asks for the other one.
func ExampleSession_Advance() {
	program, found := directives.Load(parser.Source{Path: "/nginx.conf", Text: []byte(`
		error_log /dev/null;
		events { }
		stream {
			mqtt_preread on;
			upstream brokers {
				hash $mqtt_preread_clientid consistent;
				server 192.0.2.11:1883;
				server 192.0.2.12:1883;
			}
			server { listen 1883; proxy_pass brokers; proxy_connect_timeout 3s; }
		}`)}, &conf.Env{Now: time.Now})
	if err := found.Err(); err != nil {
		fmt.Println(err)
		return
	}

	clock := offline.NewClock()
	env, _ := offline.NewEnv(clock.Now)
	client := stream.Client{Addr: stream.Addr{IP: netip.MustParseAddrPort("198.51.100.7:49152")}}
	s := stream.NewSession(program.Stream.Listens[0], env, client, nil)

	connect := []byte("\x10\x11\x00\x04MQTT\x04\x02\x00\x3c\x00\x05pump1")
	for _, event := range []stream.Event{
		{Kind: stream.Accepted},
		{Kind: stream.Bytes, Data: connect[:9]},
		{Kind: stream.Bytes, Data: connect[9:]},
		{Kind: stream.Failed, Side: stream.UpstreamSide, Op: stream.OpConnect, Err: syscall.ECONNREFUSED},
		{Kind: stream.Connected},
		{Kind: stream.Relayed},
	} {
		fmt.Println(offline.StepText(s.Advance(event), clock.Now()))
	}
	fmt.Println("status", s.Status)
	// Output:
	// read max=16384 within=30s
	// read max=16375 within=30s
	// connect 192.0.2.12:1883 out="\x10\x11\x00\x04MQTT\x04\x02\x00<\x00\x05pump1" within=3s
	// connect 192.0.2.11:1883 out="\x10\x11\x00\x04MQTT\x04\x02\x00<\x00\x05pump1" within=3s
	// relay
	// finish
	// status 200
}
