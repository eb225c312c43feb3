package directives

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/errorlog"
	"weir/internal/logfile"
	"weir/internal/race"
	"weir/parser"
	"weir/stream"
)

// A site is a configuration with a server for the main use case: it identifies clients by their
// MQTT client identifiers, sends each to its broker, passes the client address to the broker, and
// logs. A case adds to it.
type site struct {
	stream  string // text before the server
	server  string // text in the server
	listen  string // parameters of its listen directive
	logged  string // variables in its log
	content string // replaces its proxy_pass
}

func (s *site) conf() string {
	content := s.content
	if content == "" {
		content = "proxy_pass brokers;"
	}
	return fmt.Sprintf(`events {}
stream {
    log_format main '$remote_addr [$time_local] $status $bytes_sent $session_time "$upstream_addr" "$mqtt_preread_clientid"%s';
    upstream brokers {
        zone brokers 64k;
        hash $mqtt_preread_clientid consistent;
        server 127.0.0.1:7001; server 127.0.0.1:7002; server 127.0.0.1:7003;
    }
    %s
    server {
        listen 127.0.0.1:1883 %s;
        mqtt_preread on;
        proxy_protocol on;
        access_log main.log main;
        %s
        %s
    }
}
`, s.logged, s.stream, s.listen, s.server, content)
}

// headers are PROXY headers that a client may send: one of each version, and one of version 2 with
// a TLV.
var headers = map[string]string{
	"v1": "PROXY TCP4 192.0.2.7 198.51.100.9 56324 1883\r\n",
	"v2": "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x15\xc0\x00\x02\x07\xc6\x33\x64\x09\xdc\x04\x07\x5b\xea\x00\x06\x01vpce-",
}

// connectPacket is a CONNECT of client mqttx_1 with user name ann.
const connectPacket = "\x10\x18\x00\x04MQTT\x04\x82\x00\x3c\x00\x07mqttx_1\x00\x03ann"

// A costing runs sessions of a configuration from accept to log, and counts their allocations.
type costing struct {
	listen *stream.Listen
	env    *stream.Env
	files  *logfile.Set
	first  []byte // first bytes of the client
}

func newCosting(t *testing.T, text, header string) *costing {
	t.Helper()
	dir := t.TempDir()
	env := testEnv()
	env.Prefix, env.ConfPrefix, env.ErrorLog = dir+"/", dir+"/", "error.log"
	env.LookupHost, env.Now, env.PID = lookupExample, logTime, 1
	copyDatabases(t, dir)
	text = strings.ReplaceAll(text, "DIR", dir)
	p, diags := Load(parser.Source{Path: "nginx.conf", Text: []byte(text), ReadFile: os.ReadFile, Glob: filepath.Glob}, env)
	if err := diags.Err(); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	log := errorlog.New(logTime, 1)
	id := uint64(0)
	run := &stream.Env{Now: logTime, NextID: func() uint64 { id++; return id }, Log: log, Hostname: "host", PID: 1}
	if err := p.Stream.Files.Open(logfile.OpenAppend); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stream.Files.Close)
	for _, part := range p.Stream.Parts {
		if err := part.Open(t.Context(), run, nil); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { part.Close() })
	}
	at := slices.IndexFunc(p.Stream.Listens, func(l *stream.Listen) bool { return l.Addr.Port() == "1883" })
	return &costing{listen: p.Stream.Listens[at], env: run, files: p.Stream.Files, first: []byte(headers[header] + connectPacket)}
}

// copyDatabases puts the databases of geoip and geoip2 into dir.
func copyDatabases(t *testing.T, dir string) {
	t.Helper()
	for _, from := range []string{"../conformance/testdata/geoip/country.dat", "../conformance/testdata/geoip2/places.mmdb"} {
		data, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(from)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// walk runs one session from accept to log as a driver would, without sockets, and returns its
// status.
func (c *costing) walk() stream.Status {
	addr := stream.Addr{IP: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 4000)}
	s := stream.NewSession(c.listen, c.env, stream.Client{Addr: addr, Local: &c.listen.Addr}, nil)
	rest := c.first
	for step := s.Advance(stream.Event{Kind: stream.Accepted}); ; {
		ev := stream.Event{}
		switch step.Do {
		case stream.Read:
			n := min(len(rest), step.Max)
			ev.Kind, ev.Data, rest = stream.Bytes, rest[:n], rest[n:]
		case stream.Connect:
			ev.Kind = stream.Connected
		case stream.Relay, stream.Send:
			ev.Kind = stream.Relayed
		case stream.Finish:
			return s.Status
		default:
			panic(fmt.Sprintf("unexpected step %v", step.Do))
		}
		step = s.Advance(ev)
	}
}

// cost is the number of objects and bytes that a session allocates.
type cost struct{ objects, bytes uint64 }

// cost is the minimum of a few attempts, because other goroutines may allocate during an attempt.
func (c *costing) cost(t *testing.T) cost {
	t.Helper()
	if status := c.walk(); status != stream.StatusOK {
		t.Fatalf("the session ends with %d", status)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // pools keep their objects
	least := c.measure()
	for range 4 {
		next := c.measure()
		least = cost{min(least.objects, next.objects), min(least.bytes, next.bytes)}
	}
	return least
}

func (c *costing) measure() cost {
	const rounds, sessions = 10, 20
	var total cost
	for range rounds {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range sessions {
			c.walk()
		}
		runtime.ReadMemStats(&after)
		total.objects += after.Mallocs - before.Mallocs
		total.bytes += after.TotalAlloc - before.TotalAlloc
		c.files.Wait(10 * time.Second) // a log that lags needs a larger buffer
	}
	return cost{total.objects / (rounds * sessions), total.bytes / (rounds * sessions)}
}

// others are servers that use every module that the main use case does not use, in ways that
// allocate.
const others = `
    map $mqtt_preread_username $by_map { hostnames; default a; ~^(?<letter>.) $letter; *.example.com c; }
    geo $by_geo { default none; 192.0.2.0/24 doc; }
    geo $by_range { ranges; default none; 192.0.2.0-192.0.2.255 doc; }
    split_clients $remote_addr $by_split { 50% a; * b; }
    num_map $bytes_sent $by_num { default a; 5-10 b; }
    limit_conn_zone $binary_remote_addr zone=addr:1m;
    geoip_country DIR/country.dat;
    geoip2 DIR/places.mmdb { $by_geoip2 country iso_code; }
    log_format json escape=json '{"a":"$by_map","b":"$by_geo$by_range","c":"$by_split$by_num","d":"$geoip_country_code$by_geoip2"}';
    upstream spread { zone spread 64k; random two least_conn; server 127.0.0.1:7001; server 127.0.0.1:7002; }
    upstream timed { zone timed 64k; least_time connect inflight; server 127.0.0.1:7001; server 127.0.0.1:7002; }
    server {
        listen 127.0.0.1:1884 proxy_protocol;
        set_real_ip_from 192.0.2.0/24;
        set $mine $by_map$mqtt_preread_username;
        mqtt_preread on;
        limit_conn addr 100;
        limit_conn_log_level warn;
        allow 192.0.2.0/24;
        deny all;
        access_log json.log json buffer=4k flush=1s;
        access_log $by_geo.log json if=$by_num;
        error_log other.log debug;
        status_zone other;
        proxy_bind $remote_addr;
        proxy_upload_rate 1k;
        proxy_download_rate $bytes_sent;
        proxy_next_upstream_tries 2;
        proxy_pass spread;
    }
    server { listen 127.0.0.1:1885; proxy_pass timed; }
    server { listen 127.0.0.1:1886; return "$by_split $proxy_protocol_tlv_aws_vpce_id $mine\n"; }
    server { listen 127.0.0.1:1887; pass 127.0.0.1:1886; }
    server { listen 127.0.0.1:1888 udp; proxy_responses 1; proxy_pass 127.0.0.1:7001; }
`

// TestUnusedModulesCostNothing checks that a session allocates nothing for the modules that only
// other servers use.
func TestUnusedModulesCostNothing(t *testing.T) {
	alone := newCosting(t, (&site{}).conf(), "").cost(t)
	beside := newCosting(t, (&site{stream: others}).conf(), "").cost(t)
	t.Logf("%d objects and %d bytes for a session", alone.objects, alone.bytes)
	if alone != beside && !race.Enabled {
		t.Errorf("beside servers that use other modules: got %+v, want %+v", beside, alone)
	}
}

// A moduleCost is the number of objects that a session allocates for the modules of its server,
// beyond those of the main use case.
type moduleCost struct {
	name string
	site
	header string // PROXY header that the client sends
	want   int
}

var moduleCosts = []moduleCost{
	{name: "map", want: 3, site: site{stream: "map $remote_addr $v { default a; 192.0.2.1 b; }", logged: " $v"}},
	{name: "map of masks", want: 1, site: site{stream: "map $mqtt_preread_clientid $v { hostnames; default a; *.b.c d; }", logged: " $v"}},
	{name: "map by a regular expression", want: 1, site: site{stream: `map $mqtt_preread_clientid $v { ~^mqttx_ a; }`, logged: " $v"}},
	{name: "map by a named capture", want: 7, site: site{stream: `map $mqtt_preread_clientid $v { ~^mqttx_(?<n>\d) a$n; }`, logged: " $v"}},
	{name: "map, volatile", want: 2, site: site{stream: "map $remote_addr $v { volatile; default a; }", logged: " $v $v"}},
	{name: "map to variables", want: 6, site: site{
		stream: "map $remote_addr $v { default $mqtt_preread_clientid-$remote_port; }", logged: " $v",
	}},
	{name: "geo", want: 1, site: site{stream: "geo $v { default a; 192.0.2.0/24 b; }", logged: " $v"}},
	{name: "geo of ranges", want: 1, site: site{stream: "geo $v { ranges; default a; 192.0.2.0-192.0.2.9 b; }", logged: " $v"}},
	{name: "geo of another variable", want: 3, site: site{stream: "geo $server_addr $v { default a; 127.0.0.0/8 b; }", logged: " $v"}},
	{name: "split_clients", want: 1, site: site{stream: "split_clients $mqtt_preread_clientid $v { 50% a; * b; }", logged: " $v"}},
	{name: "num_map", want: 2, site: site{stream: "num_map $bytes_sent $v { default a; 5-10 b; }", logged: " $v"}},
	{name: "geoip", want: 1, site: site{stream: "geoip_country DIR/country.dat;", logged: " $geoip_country_code"}},
	{name: "geoip2", want: 2, site: site{stream: "geoip2 DIR/places.mmdb { $v country iso_code; }", logged: " $v"}},
	{name: "set", want: 1, site: site{server: "set $v a;", logged: " $v"}},
	{name: "set to variables", want: 6, site: site{server: "set $v $remote_addr-$remote_port;", logged: " $v"}},
	{name: "limit_conn", want: 3, site: site{stream: "limit_conn_zone $binary_remote_addr zone=z:1m;", server: "limit_conn z 9;"}},
	{name: "two of limit_conn", want: 7, site: site{
		stream: "limit_conn_zone $binary_remote_addr zone=y:1m; limit_conn_zone $server_addr zone=z:1m;",
		server: "limit_conn y 9; limit_conn z 9;",
	}},
	{name: "$limit_conn_status", want: 4, site: site{
		stream: "limit_conn_zone $binary_remote_addr zone=z:1m;", server: "limit_conn z 9;", logged: " $limit_conn_status",
	}},
	{name: "allow and deny", site: site{server: "allow 192.0.2.0/24; deny all;"}},
	{name: "PROXY header of version 1", want: 3, site: site{listen: "proxy_protocol"}, header: "v1"},
	{name: "PROXY header of version 2", want: 4, site: site{listen: "proxy_protocol"}, header: "v2"},
	{name: "$proxy_protocol_addr", want: 5, site: site{listen: "proxy_protocol", logged: " $proxy_protocol_addr"}, header: "v2"},
	{name: "set_real_ip_from", want: 4, site: site{listen: "proxy_protocol", server: "set_real_ip_from 192.0.2.0/24;"}, header: "v2"},
	{name: "proxy_protocol_vendor", want: 6, site: site{listen: "proxy_protocol", logged: " $proxy_protocol_tlv_aws_vpce_id"}, header: "v2"},
	{name: "another access log", site: site{server: "access_log other.log main;"}},
	{name: "access log with a buffer", site: site{server: "access_log other.log main buffer=64k;"}},
	{name: "access log on a condition", site: site{server: "access_log other.log main if=$mqtt_preread_username;"}},
	{name: "access log in JSON", site: site{
		stream: `log_format json escape=json '{"a":"$remote_addr","b":"$mqtt_preread_clientid"}';`, server: "access_log other.log json;",
	}},
	{name: "proxy_bind", site: site{server: "proxy_bind 127.0.0.1;"}},
	{name: "proxy_bind to a variable", want: 2, site: site{server: "proxy_bind $remote_addr transparent;"}},
	{name: "rates", site: site{server: "proxy_upload_rate 1m; proxy_download_rate 1m;"}},
	{name: "rates of variables", want: 4, site: site{stream: "map $remote_addr $v { default 1m; }", server: "proxy_upload_rate $v;"}},
	{name: "proxy_pass to a variable", want: 3, site: site{stream: "map $remote_addr $v { default brokers; }", content: "proxy_pass $v;"}},
	{name: "return", want: -1, site: site{content: "return hello;"}},
	{name: "pass", want: 4, site: site{
		stream:  "server { listen 127.0.0.1:1884; mqtt_preread on; proxy_protocol on; access_log main.log main; proxy_pass brokers; }",
		content: "pass 127.0.0.1:1884;",
	}},
	{name: "status_zone", site: site{server: "status_zone z;"}},
}

func TestModulesCost(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations are not what they are in production")
	}
	bare := newCosting(t, (&site{}).conf(), "").cost(t)
	for _, tt := range moduleCosts {
		t.Run(tt.name, func(t *testing.T) {
			got := newCosting(t, tt.conf(), tt.header).cost(t)
			more := int(got.objects) - int(bare.objects)
			t.Logf("%+d objects, %+d bytes", more, int(got.bytes)-int(bare.bytes))
			if more != tt.want {
				t.Errorf("got %+d objects, want %+d", more, tt.want)
			}
		})
	}
}
