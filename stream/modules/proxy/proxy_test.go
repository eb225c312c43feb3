package proxy_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"weir/internal/relay"
	"weir/stream"
	"weir/stream/driver/drivertest"
	"weir/stream/modules/proxy"
	"weir/stream/offline"
	"weir/stream/upstream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// group returns a group of n servers, from 127.0.0.1:7001 on, that never rest.
func group(n int) *upstream.Group {
	return upstream.NewGroup("brokers", servers(n), upstream.RoundRobin)
}

func servers(n int) []*upstream.PeerConf {
	peers := make([]*upstream.PeerConf, n)
	for i := range peers {
		addr := drivertest.Loopback(uint16(7001 + i))
		peers[i] = &upstream.PeerConf{Server: addr.String(), Name: addr.String(), Addr: addr, Weight: 1, FailTimeout: proxy.DefaultFailTimeout}
	}
	return peers
}

// single returns a group with only the server at addr.
func single(addr stream.Addr) *upstream.Group {
	p := &upstream.PeerConf{Server: addr.String(), Name: addr.String(), Addr: addr, Weight: 1, MaxFails: 1, FailTimeout: proxy.DefaultFailTimeout}
	return upstream.NewGroup(addr.String(), []*upstream.PeerConf{p}, upstream.RoundRobin)
}

// content returns a proxy to a group with the default configuration.
func content(g *upstream.Group) *proxy.Content {
	return &proxy.Content{
		To: proxy.Destination{Group: g}, ConnectTimeout: time.Minute, NextUpstream: true, Relay: &relay.Spec{BufferSize: 16384},
	}
}

// session returns a session that c serves, after a preread of four bytes.
func session(t *testing.T, c *proxy.Content, vars ...stream.Variable) *offline.Session {
	t.Helper()
	return newSession(t, c, stream.NewConfig(), vars...)
}

func newSession(t *testing.T, c *proxy.Content, config *stream.Config, vars ...stream.Variable) *offline.Session {
	t.Helper()
	for _, v := range vars {
		if err := config.Vars.Define(v); err != nil {
			t.Fatal(err)
		}
	}
	if unknown := config.Vars.Resolve(); unknown != nil {
		t.Fatalf("unknown variables %q", unknown)
	}
	server := &stream.Server{Content: c, Settings: stream.Settings{PrereadBufferSize: 16, PrereadTimeout: time.Minute, NoDelay: true}}
	server.Handlers[stream.Preread] = []stream.Handler{fourBytes{}}
	return offline.NewSession(t, &stream.Listen{Config: config, Default: server})
}

// fourBytes is a preread handler that requests four bytes.
type fourBytes struct{}

func (fourBytes) Handle(s *stream.Session) (stream.Verdict, error) {
	if len(s.Head) < 4 {
		return stream.More, nil
	}
	return stream.Done, nil
}

// template compiles text for config.
func template(t *testing.T, config *stream.Config, text string) *stream.Template {
	t.Helper()
	tpl, err := stream.ParseTemplate(text, config.Vars)
	if err != nil {
		t.Fatal(err)
	}
	return &tpl
}

// parse is a Parse for destinations: literal addresses and names.
func parse(text string) (proxy.Endpoint, error) {
	host, port, ok := strings.Cut(text, ":")
	if !ok {
		return proxy.Endpoint{}, fmt.Errorf("no port in upstream \"%s\"", text)
	}
	ap, err := netip.ParseAddrPort(text)
	if err != nil && port != "" {
		return proxy.Endpoint{Text: text, Host: host, Port: 1883}, nil
	}
	return proxy.Endpoint{Text: text, Addr: stream.Addr{IP: ap}}, err
}

// started is the beginning of every script here: a step Read, and its four bytes, answered by the
// following step.
const started = `
	accepted     -> read max=16 within=1m0s
	bytes "abcd" -> `

// at returns the log context of a connection to the i-th server.
func at(action string, i int, fromClient int) string {
	return fmt.Sprintf(" while %s, client: 192.0.2.1, server: 192.0.2.100:1883, upstream: \"127.0.0.1:%d\", "+
		"bytes from/to client:%d/0, bytes from/to upstream:0/0", action, 7000+i, fromClient)
}

const connecting = "connecting to upstream"

// checkLog compares the log after the line of the arrival.
func checkLog(t *testing.T, s *offline.Session, want []string) {
	t.Helper()
	if got := s.Lines.All()[1:]; !slices.Equal(got, want) {
		t.Errorf("got log\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func checkStatus(t *testing.T, s *offline.Session, want stream.Status) {
	t.Helper()
	if s.Status != want {
		t.Errorf("got status %d, want %d", s.Status, want)
	}
}

// tries returns the value of $upstream_addr.
func tries(s *offline.Session) string {
	var names []string
	for _, t := range s.Tries {
		names = append(names, t.Name)
	}
	return strings.Join(names, ", ")
}

func checkIdle(t *testing.T, g *upstream.Group) {
	t.Helper()
	for _, p := range g.Peers() {
		if n := g.Conns(p); n != 0 {
			t.Errorf("%s is held by %d sessions after the end", p.Name, n)
		}
	}
}

func TestConnect(t *testing.T) {
	const head = ` out="abcd" within=1m0s`
	refused := func(i int) string {
		return "[error] *1 connect() failed (111: Connection refused)" + at(connecting, i, 0)
	}
	timedOut := func(i int) string {
		return "[error] *1 upstream timed out (110: Connection timed out)" + at(connecting, i, 0)
	}
	tests := []struct {
		name   string
		change func(*proxy.Content)
		script string // after the bytes
		status stream.Status
		tries  string
		log    []string
	}{
		{"at once", nil, `connect 127.0.0.1:7001` + head + `
			connected 127.0.0.1:5000 -> relay
			relayed client-EOF -> finish`, 200, "127.0.0.1:7001", []string{
			"[info] *1 proxy 127.0.0.1:5000 connected to 127.0.0.1:7001",
			"[info] *1 client disconnected, bytes from/to client:4/0, bytes from/to upstream:0/0",
		}},
		{"the second", nil, `connect 127.0.0.1:7001` + head + `
			failed upstream connect ECONNREFUSED -> connect 127.0.0.1:7002` + head + `
			connected 127.0.0.1:5000 -> relay
			relayed upstream-EOF -> finish`, 200, "127.0.0.1:7001, 127.0.0.1:7002", []string{
			refused(1), "[info] *1 proxy 127.0.0.1:5000 connected to 127.0.0.1:7002",
			"[info] *1 upstream disconnected, bytes from/to client:4/0, bytes from/to upstream:0/0",
		}},
		{
			"none", nil, `connect 127.0.0.1:7001` + head + `
			failed upstream connect ECONNREFUSED -> connect 127.0.0.1:7002` + head + `
			failed upstream connect ECONNREFUSED -> connect 127.0.0.1:7003` + head + `
			failed upstream connect ECONNREFUSED -> finish reset`, 502, "127.0.0.1:7001, 127.0.0.1:7002, 127.0.0.1:7003",
			[]string{refused(1), refused(2), refused(3)},
		},
		{"no retry", func(c *proxy.Content) { c.NextUpstream = false }, `connect 127.0.0.1:7001` + head + `
			failed upstream connect ECONNREFUSED -> finish reset`, 502, "127.0.0.1:7001", []string{refused(1)}},
		{
			"two tries", func(c *proxy.Content) { c.NextTries = 2 }, `connect 127.0.0.1:7001` + head + `
			failed upstream connect ECONNREFUSED -> connect 127.0.0.1:7002` + head + `
			failed upstream connect ECONNREFUSED -> finish reset`, 502, "127.0.0.1:7001, 127.0.0.1:7002",
			[]string{refused(1), refused(2)},
		},
		{"more tries than servers", func(c *proxy.Content) { c.NextTries, c.To.Group = 9, group(1) }, `connect 127.0.0.1:7001` + head + `
			failed upstream connect ECONNREFUSED -> finish reset`, 502, "127.0.0.1:7001", []string{refused(1)}},
		{
			"time for retries is over", func(c *proxy.Content) { c.NextTimeout = 10 * time.Second }, `connect 127.0.0.1:7001` + head + `
			after 9999ms -> keep
			failed upstream connect ECONNREFUSED -> connect 127.0.0.1:7002` + head + `
			after 1ms -> keep
			failed upstream connect ECONNREFUSED -> finish reset`, 502, "127.0.0.1:7001, 127.0.0.1:7002",
			[]string{refused(1), refused(2)},
		},
		{"connect times out", nil, `connect 127.0.0.1:7001` + head + `
			after 1m -> keep
			timedout -> connect 127.0.0.1:7002` + head + `
			connected 127.0.0.1:5000 -> relay
			relayed timeout -> finish`, 200, "127.0.0.1:7001, 127.0.0.1:7002", []string{
			timedOut(1), "[info] *1 proxy 127.0.0.1:5000 connected to 127.0.0.1:7002",
			"[info] *1 connection timed out (110: Connection timed out)" + at("proxying connection", 2, 4),
		}},
		{"connect fails in the call", nil, `connect 127.0.0.1:7001` + head + `
			failed upstream connect ENETUNREACH -> connect 127.0.0.1:7002` + head + `
			failed upstream connect EACCES -> connect 127.0.0.1:7003` + head + `
			failed upstream connect EHOSTUNREACH -> finish reset`, 502, "127.0.0.1:7001, 127.0.0.1:7002, 127.0.0.1:7003", []string{
			"[error] *1 connect() to 127.0.0.1:7001 failed (101: Network is unreachable)" + at(connecting, 1, 0),
			"[crit] *1 connect() to 127.0.0.1:7002 failed (13: Permission denied)" + at(connecting, 2, 0),
			"[error] *1 connect() failed (113: No route to host)" + at(connecting, 3, 0),
		}},
		{"no socket", nil, `connect 127.0.0.1:7001` + head + `
			failed upstream socket EPERM -> finish reset`, 500, "", []string{
			"[alert] *1 socket() failed (1: Operation not permitted)" + at(connecting, 1, 0),
		}},
		{"client resets while connecting", nil, `connect 127.0.0.1:7001` + head + `
			failed client recv ECONNRESET -> finish reset`, 200, "127.0.0.1:7001", []string{
			"[info] *1 recv() failed (104: Connection reset by peer)" + at("proxying and reading from client", 1, 0),
			"[info] *1 client disconnected, bytes from/to client:0/0, bytes from/to upstream:0/0",
		}},
		{"client ends while connecting", nil, `connect 127.0.0.1:7001` + head + `
			eof -> keep
			failed upstream connect ECONNREFUSED -> connect 127.0.0.1:7002` + head + `
			connected 127.0.0.1:5000 -> relay
			relayed client-EOF -> finish`, 200, "127.0.0.1:7001, 127.0.0.1:7002", []string{
			refused(1), "[info] *1 proxy 127.0.0.1:5000 connected to 127.0.0.1:7002",
			"[info] *1 client disconnected, bytes from/to client:4/0, bytes from/to upstream:0/0",
		}},
		{"shutdown while connecting", nil, `connect 127.0.0.1:7001` + head + `
			aborted -> finish reset`, 200, "127.0.0.1:7001", []string{"[info] *1 shutdown timeout" + at(connecting, 1, 0)}},
		{"shutdown while proxying", nil, `connect 127.0.0.1:7001` + head + `
			connected 127.0.0.1:5000 -> relay
			aborted -> finish`, 200, "127.0.0.1:7001", []string{
			"[info] *1 proxy 127.0.0.1:5000 connected to 127.0.0.1:7001",
			"[info] *1 shutdown timeout" + at("proxying connection", 1, 4),
		}},
		{"errors while proxying", nil, `connect 127.0.0.1:7001` + head + `
			connected 127.0.0.1:5000 -> relay
			failed client recv ECONNRESET -> keep
			failed client send EPIPE -> keep
			failed upstream recv ECONNRESET -> keep
			failed upstream send ETIMEDOUT -> keep
			firstbyte -> keep
			relayed upstream-error -> finish`, 200, "127.0.0.1:7001", []string{
			"[info] *1 proxy 127.0.0.1:5000 connected to 127.0.0.1:7001",
			"[info] *1 recv() failed (104: Connection reset by peer)" + at("proxying and reading from client", 1, 4),
			"[info] *1 send() failed (32: Broken pipe)" + at("proxying and sending to client", 1, 4),
			"[error] *1 recv() failed (104: Connection reset by peer)" + at("proxying and reading from upstream", 1, 4),
			"[error] *1 send() failed (110: Connection timed out)" + at("proxying and sending to upstream", 1, 4),
			"[info] *1 upstream disconnected, bytes from/to client:4/0, bytes from/to upstream:0/0",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := content(group(3))
			if tt.change != nil {
				tt.change(c)
			}
			s := session(t, c)
			offline.Script(t, s, started+tt.script)
			checkStatus(t, s, tt.status)
			checkLog(t, s, tt.log)
			if got := tries(s); got != tt.tries {
				t.Errorf("got tries %q, want %q", got, tt.tries)
			}
			checkIdle(t, c.To.Group)
		})
	}
}

// TestNoLiveUpstreams checks that the log names the group if it has no available server.
func TestNoLiveUpstreams(t *testing.T) {
	peers := servers(2)
	for _, p := range peers {
		p.Down = true
	}
	down := upstream.NewGroup("brokers", peers, upstream.RoundRobin)
	s := session(t, content(down))
	offline.Script(t, s, started+"finish reset")
	checkStatus(t, s, 502)
	checkLog(t, s, []string{`[error] *1 no live upstreams while connecting to upstream, client: 192.0.2.1, server: 192.0.2.100:1883, ` +
		`upstream: "brokers", bytes from/to client:0/0, bytes from/to upstream:0/0`})
	if got := tries(s); got != "brokers" {
		t.Errorf("got tries %q, want the group's name", got)
	}
}

// TestUnixServer checks that a missing socket is logged with nginx's other sentence, with its path.
func TestUnixServer(t *testing.T) {
	s := session(t, content(single(stream.UnixAddr("/run/broker.sock"))))
	offline.Script(t, s, started+`connect unix:/run/broker.sock out="abcd" within=1m0s
		failed upstream connect ENOENT -> finish reset`)
	checkLog(t, s, []string{`[crit] *1 connect() to unix:/run/broker.sock failed (2: No such file or directory) while connecting to ` +
		`upstream, client: 192.0.2.1, server: 192.0.2.100:1883, upstream: "unix:/run/broker.sock", bytes from/to client:0/0, ` +
		`bytes from/to upstream:0/0`})
}

// TestTries checks the record of a session's attempts.
func TestTries(t *testing.T) {
	s := session(t, content(group(2)))
	offline.Script(t, s, started+`connect 127.0.0.1:7001 out="abcd" within=1m0s
		after 2s -> keep
		failed upstream connect ECONNREFUSED -> connect 127.0.0.1:7002 out="abcd" within=1m0s
		after 3s -> keep
		connected -> relay
		after 4s -> keep
		firstbyte -> keep`)
	s.Traffic.ToUpstream.Store(40)
	s.Traffic.FromUpstream.Store(50)
	offline.Script(t, s, `
		after 5s -> keep
		relayed client-EOF -> finish`)
	want := []stream.Try{
		{Name: "127.0.0.1:7001", Connect: -1, FirstByte: -1, Total: 2 * time.Second},
		{
			Name: "127.0.0.1:7002", Start: 2 * time.Second, Connect: 3 * time.Second, FirstByte: 7 * time.Second,
			Total: 12 * time.Second, Sent: 40, Received: 50,
		},
	}
	if !slices.Equal(s.Tries, want) {
		t.Errorf("got %+v, want %+v", s.Tries, want)
	}
}

// TestConnectionNumbers checks that each connection to a server takes a number, as in nginx, unless
// connect() was not called.
func TestConnectionNumbers(t *testing.T) {
	tests := []struct {
		name, script string
		next         uint64
	}{
		{"connected", `connected -> relay`, 3},
		{"refused", `failed upstream connect ECONNREFUSED -> finish reset`, 3},
		{"timed out", `timedout -> finish reset`, 3},
		{"aborted", `aborted -> finish reset`, 3},
		{"no socket", `failed upstream socket EPERM -> finish reset`, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := session(t, content(group(1)))
			offline.Script(t, s, started+`connect 127.0.0.1:7001 out="abcd" within=1m0s
				`+tt.script)
			if got := s.Env.NextID(); got != tt.next {
				t.Errorf("got next number %d, want %d", got, tt.next)
			}
		})
	}
}
