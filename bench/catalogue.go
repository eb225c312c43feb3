//go:build linux

package main

import (
	"context"
	"fmt"
	"time"

	"weir/bench/load"
	"weir/bench/proc"
)

// A scale sets the size of each load.
type scale struct {
	storm, pingPong, pingPong1, fanIn, idle int
	datagramStorm, exchange                 int
	pingSeconds, pingSessions               int
	pingSettle                              time.Duration
	bytes                                   int64
	settle                                  time.Duration
	warmUp                                  int
	tlsStorm, rsaStorm, besidePings         int
	turns                                   int // number of turns into which a load is divided
	tableParts                              int // a large table has 1/tableParts of its entries
	goBenchTime                             string
}

// part returns the load divided by n.
func (s scale) part(n int) scale {
	for _, count := range []*int{&s.storm, &s.pingPong, &s.pingPong1, &s.fanIn, &s.datagramStorm, &s.exchange, &s.tlsStorm, &s.rsaStorm, &s.besidePings} {
		*count /= n
	}
	s.bytes /= int64(n)
	return s
}

var (
	full = scale{
		storm: 20_000, pingPong: 100_000, pingPong1: 20_000, fanIn: 120_000, idle: 5000, datagramStorm: 40_000, exchange: 200_000,
		bytes: 1_000_000_000, settle: 2 * time.Second, warmUp: 1000, turns: 8,
		pingSeconds: 6, pingSessions: 1000, pingSettle: 7 * time.Second, // longer than the runtime takes to become idle
		tlsStorm: 8000, rsaStorm: 2400, besidePings: 8000,
		tableParts: 1, goBenchTime: "1s",
	}
	tiny = scale{
		storm: 200, pingPong: 1000, pingPong1: 100, fanIn: 2000, idle: 200, datagramStorm: 200, exchange: 1000,
		bytes: 32_000_000, settle: 100 * time.Millisecond, warmUp: 20, turns: 2,
		pingSeconds: 1, pingSessions: 50,
		tlsStorm: 100, rsaStorm: 20, besidePings: 100,
		tableParts: 1000, goBenchTime: "100x",
	}
)

// Properties of the loads that do not depend on the scale.
const (
	messageSize   = 128 // bytes of a PUBLISH, or of a datagram
	stormAtOnce   = 64
	pingPongers   = 100
	fanInSessions = 500
	fanInRate     = 40_000 // messages a second, a rate that every subject sustains
	bulkSessions  = 4
	exchangers    = 100
	tlsFanInRate  = 20_000 // messages a second: the clients' encryption needs the processors, too
	besideRate    = 1000   // pings a second
)

// A loader is a test of package load.
type loader interface {
	Run(ctx context.Context, t *load.Target) (load.Result, error)
}

// A test is one load and the figures measured with it.
type test struct {
	name    string
	about   string // for the document
	load    func(scale) loader
	figures []figure
	block   serverBlock
	warm    func(scale) loader // the load that the program serves first; nil means storm's sessions
	fresh   bool               // needs a freshly started program
	grows   bool               // measured again in the growth cases, by its first figure
	resumes bool               // clients resume TLS sessions
	// proxyOnly: the broker alone cannot serve the load.
	proxyOnly bool
}

// warmUp returns the load that a program serves before the test.
func (t test) warmUp(s scale) loader {
	if t.warm != nil {
		return t.warm(s)
	}
	return load.Storm{Sessions: s.warmUp, AtOnce: stormAtOnce}
}

// needsTLS reports whether the programs need their TLS servers.
func (t test) needsTLS() bool { return t.block.tls() || t.proxyOnly }

// A figure is one row of the table.
type figure struct {
	key, title string
	of         func(reading) float64
	direct     bool               // also measured for the broker without a proxy
	lone       bool               // not compared
	targets    map[string]float64 // by subject: the maximum of weir's figure as a fraction of that subject's
}

// A reading is the result of one run of a test.
type reading struct {
	load.Result
	cpu   time.Duration // of the subject's processes
	usage proc.Usage    // their growth since the beginning
}

func cpuMicros(r reading) float64  { return float64(r.cpu) / float64(time.Microsecond) / r.Ops }
func cpuSeconds(r reading) float64 { return r.cpu.Seconds() / r.Ops }
func rate(r reading) float64       { return r.Ops / r.Elapsed.Seconds() }
func pssPerOp(r reading) float64   { return float64(r.usage.PSS) / r.Ops }
func fdsPerOp(r reading) float64   { return float64(r.usage.Descriptors) / r.Ops }
func p50(r reading) float64        { return percentile(r, 50) }
func p99(r reading) float64        { return percentile(r, 99) }
func percentile(r reading, p float64) float64 {
	return float64(r.Latency.Percentile(p)) / float64(time.Microsecond)
}

// below returns the targets of a figure.
func below(nginx, haproxy float64) map[string]float64 {
	return map[string]float64{"nginx": nginx, "haproxy": haproxy}
}

// cost returns the targets of CPU per operation. The features that operators enable (log, zones and
// timeouts) may cost weir 8 %.
func cost(nginx, haproxy float64) map[string]float64 {
	return map[string]float64{"nginx": nginx, "haproxy": haproxy, "weir-bare": 1.08}
}

// perOperation returns the figures of a test that has operations with a latency.
func perOperation(name, op, latency string, cpu, tail map[string]float64) []figure {
	return []figure{
		{key: "cpu_us", title: fmt.Sprintf("%s: CPU µs per %s", name, op), of: cpuMicros, targets: cpu},
		{key: "p50_us", title: fmt.Sprintf("%s: %s, p50 µs", name, latency), of: p50, direct: true},
		{key: "p99_us", title: fmt.Sprintf("%s: %s, p99 µs", name, latency), of: p99, direct: true, targets: tail},
		{key: "per_second", title: fmt.Sprintf("%s: %ss per second", name, op), of: rate, direct: true},
	}
}

// perGiB returns the figures of a test that moves bytes.
func perGiB(name string, targets map[string]float64) []figure {
	return []figure{
		{key: "cpu_s", title: name + ": CPU s per GiB", of: cpuSeconds, targets: targets},
		{key: "gib_per_second", title: name + ": GiB per second", of: rate, direct: true},
	}
}

// catalogue returns the tests in the order of the table.
var catalogue = []test{
	{
		name:    "storm",
		about:   fmt.Sprintf("connect, CONNECT with a new client identifier, CONNACK, close; %d at a time", stormAtOnce),
		load:    func(s scale) loader { return load.Storm{Sessions: s.storm, AtOnce: stormAtOnce} },
		figures: perOperation("storm", "session", "CONNACK", cost(0.90, 0.80), below(1, 1)),
		grows:   true,
	},
	{
		name:  "pp",
		about: fmt.Sprintf("%d connections, a PUBLISH of %d bytes and its echo, repeated", pingPongers, messageSize),
		load: func(s scale) loader {
			return load.PingPong{Sessions: pingPongers, RoundTrips: s.pingPong, Size: messageSize}
		},
		figures: perOperation("pp", "round trip", "round trip", cost(0.95, 0.90), below(1, 1)),
		grows:   true,
	},
	{
		name:    "pp1",
		about:   "the same with one connection",
		load:    func(s scale) loader { return load.PingPong{Sessions: 1, RoundTrips: s.pingPong1, Size: messageSize} },
		figures: perOperation("pp1", "round trip", "round trip", cost(1, 0.85), nil),
		grows:   true,
	},
	{
		name:  "fanr",
		about: fmt.Sprintf("%d connections publish %d bytes each in one direction, %d messages per second in total", fanInSessions, messageSize, fanInRate),
		load: func(s scale) loader {
			return load.FanIn{Sessions: fanInSessions, Messages: s.fanIn, Rate: fanInRate, Size: messageSize}
		},
		figures: perOperation("fanr", "message", "one way", cost(0.95, 0.95), nil),
		grows:   true,
	},
	ping(10, below(1.3, 0)),
	ping(100, below(1.3, 0)),
	ping(1000, below(1.1, 0)),
	ping(5000, below(1.1, 0)),
	{
		name:    "up",
		about:   fmt.Sprintf("%d connections, bytes from the clients to the broker", bulkSessions),
		load:    func(s scale) loader { return load.Bulk{Sessions: bulkSessions, Bytes: s.bytes} },
		figures: perGiB("up", below(0.2, 0.4)),
	},
	{
		name:    "down",
		about:   "the same from the broker to the clients",
		load:    func(s scale) loader { return load.Bulk{Sessions: bulkSessions, Bytes: s.bytes, Down: true} },
		figures: perGiB("down", below(0.2, 0.4)),
	},
	{
		name:  "idle",
		about: "open sessions without traffic, on a program that has just started",
		load:  func(s scale) loader { return load.Idle{Sessions: s.idle, Settle: s.settle} },
		figures: []figure{
			{key: "pss_bytes", title: "idle: bytes per session (PSS)", of: pssPerOp, targets: below(0.10, 0.28)},
			{key: "descriptors", title: "idle: descriptors per session", of: fdsPerOp},
		},
		fresh: true,
	},
	{
		name: "udp",
		about: fmt.Sprintf("one datagram of %d bytes from a new client and its echo, then the session ends; %d clients at a time",
			messageSize, stormAtOnce),
		load:    func(s scale) loader { return stormOfDatagrams(s.datagramStorm) },
		warm:    func(s scale) loader { return stormOfDatagrams(s.warmUp) },
		figures: perOperation("udp", "session", "answer", below(1, 0), nil),
		block:   singleDatagrams,
	},
	{
		name:    "udppp",
		about:   fmt.Sprintf("%d clients, each a session, a datagram of %d bytes and its echo, repeated", exchangers, messageSize),
		load:    func(s scale) loader { return exchangeOfDatagrams(s.exchange) },
		warm:    func(s scale) loader { return exchangeOfDatagrams(s.warmUp) },
		figures: perOperation("udppp", "round trip", "round trip", below(1, 0), nil),
		block:   datagrams,
	},
	{
		name:    "tls",
		about:   "as *storm*, with a full handshake: TLS 1.3, X25519, a P-256 certificate",
		load:    func(s scale) loader { return load.Storm{Sessions: s.tlsStorm, AtOnce: stormAtOnce} },
		figures: perOperation("tls", "session", "CONNACK", below(0.90, 0), nil),
		block:   mqttTLS,
	},
	{
		name:    "tlsres",
		about:   "the same, resumed",
		load:    func(s scale) loader { return load.Storm{Sessions: s.tlsStorm, AtOnce: stormAtOnce} },
		figures: perOperation("tlsres", "session", "CONNACK", below(0.90, 0), nil),
		block:   mqttTLS,
		resumes: true,
	},
	{
		name:    "tlsrsa",
		about:   "*tls* with an RSA-2048 certificate",
		load:    func(s scale) loader { return load.Storm{Sessions: s.rsaStorm, AtOnce: stormAtOnce} },
		figures: perOperation("tlsrsa", "session", "CONNACK", nil, nil),
		block:   mqttRSA,
	},
	{
		name:  "tlspp",
		about: "as *pp*, with TLS",
		load: func(s scale) loader {
			return load.PingPong{Sessions: pingPongers, RoundTrips: s.pingPong, Size: messageSize}
		},
		figures: perOperation("tlspp", "round trip", "round trip", below(0.85, 0), nil),
		block:   mqttTLS,
	},
	{
		name:  "tlsfanr",
		about: fmt.Sprintf("as *fanr*, with TLS and %d messages a second", tlsFanInRate),
		load: func(s scale) loader {
			return load.FanIn{Sessions: fanInSessions, Messages: s.fanIn, Rate: tlsFanInRate, Size: messageSize}
		},
		figures: perOperation("tlsfanr", "message", "one way", below(0.90, 0), nil),
		block:   mqttTLS,
	},
	{
		name:    "tlsup",
		about:   "as *up*, with TLS",
		load:    func(s scale) loader { return load.Bulk{Sessions: bulkSessions, Bytes: s.bytes / 2} },
		figures: perGiB("tlsup", below(0.60, 0)),
		block:   mqttTLS,
	},
	{
		name:    "tlsdown",
		about:   "as *down*, with TLS",
		load:    func(s scale) loader { return load.Bulk{Sessions: bulkSessions, Bytes: s.bytes / 2, Down: true} },
		figures: perGiB("tlsdown", below(0.60, 0)),
		block:   mqttTLS,
	},
	{
		name:  "tlsidle",
		about: "as *idle*, with TLS, measured after the time that weir takes to return the memory of the handshakes",
		load:  func(s scale) loader { return load.Idle{Sessions: s.idle, Settle: s.pingSettle} },
		figures: []figure{
			{key: "pss_bytes", title: "tlsidle: bytes per session (PSS)", of: pssPerOp, targets: below(0.35, 0)},
		},
		block: mqttTLS,
		fresh: true,
	},
	{
		name:  "tlsbeside",
		about: fmt.Sprintf("%d plain sessions ping, %d a second in all, beside %d full RSA-2048 handshakes at a time", pingPongers, besideRate, stormAtOnce),
		load: func(s scale) loader {
			ping := load.Ping{Sessions: pingPongers, Pings: s.besidePings, Rate: besideRate}
			return load.Beside{Load: ping, Storm: load.Storm{AtOnce: stormAtOnce}, Aside: rsaBlock}
		},
		figures: []figure{
			{key: "p50_us", title: "tlsbeside: PINGRESP, p50 µs", of: p50},
			{key: "p99_us", title: "tlsbeside: PINGRESP, p99 µs", of: p99, targets: below(1, 0)},
		},
		proxyOnly: true,
	},
}

// ping returns the test of an idle fleet with that many pings a second. Its program serves nothing
// else and has become idle.
func ping(rate int, cpu map[string]float64) test {
	name := fmt.Sprintf("ping%d", rate)
	return test{
		name:  name,
		about: fmt.Sprintf("idle connections, a PINGREQ and its PINGRESP, %d per second in total", rate),
		load: func(s scale) loader {
			return load.Ping{Sessions: s.pingSessions, Pings: s.pingSeconds * rate, Rate: rate, Settle: s.pingSettle}
		},
		figures: perOperation(name, "ping", "PINGRESP", cpu, nil),
		fresh:   true,
	}
}

// stormOfDatagrams returns the test udp with that many sessions.
func stormOfDatagrams(sessions int) loader {
	return load.DatagramStorm{Sessions: sessions, AtOnce: stormAtOnce, Size: messageSize}
}

// exchangeOfDatagrams returns the test udppp with that many round trips.
func exchangeOfDatagrams(roundTrips int) loader {
	return load.Exchange{Sessions: exchangers, RoundTrips: roundTrips, Size: messageSize}
}

func testNames() []string {
	names := make([]string, len(catalogue))
	for i, t := range catalogue {
		names[i] = t.name
	}
	return names
}

// testsNamed returns the tests with those names, in the order of the catalogue.
func testsNamed(names []string) ([]test, error) {
	wanted, err := choose("test", names, testNames())
	if err != nil {
		return nil, err
	}
	var tests []test
	for _, t := range catalogue {
		if wanted[t.name] {
			tests = append(tests, t)
		}
	}
	return tests, nil
}

// choose returns the set of names, each of which must be one of known.
func choose(kind string, names, known []string) (map[string]bool, error) {
	set := map[string]bool{}
	for _, n := range known {
		set[n] = false
	}
	for _, n := range names {
		if _, ok := set[n]; !ok {
			return nil, fmt.Errorf("no %s %q; there are %v", kind, n, known)
		}
		set[n] = true
	}
	return set, nil
}
