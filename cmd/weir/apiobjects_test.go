package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/conformance/peers"
	"weir/conformance/ports"
	"weir/internal/testwait"
)

// TestAPILocations checks the forms of locations with api, on several ports and a socket of UNIX,
// each with its own right to write.
func TestAPILocations(t *testing.T) {
	const versions = `[1,2,3,4,5,6,7,8,9]`
	s := newSite(t)
	first, second := ports.Reserve(t).String(), ports.Reserve(t).String()
	write(t, s.path("nginx.conf"), httpPreamble+fmt.Sprintf(`
			server {
				listen %s;
				listen unix:%s;
				location /api { api; }
				location /writeapi { allow all; api write=on; }
				location /off/ { api write=off; }
				location = /exact { api; }
				location /inner { internal; api; }
			}
			server { listen %s; location / { api write=on; } }
		}`, first, s.path("control.sock"), second))
	a := restAPI{s.front(), "http://" + first}
	for _, path := range []string{"/api", "/api/", "/api//", "/exact", "/off/", "http://" + second, "http://" + second + "/"} {
		a.want("GET", path, "", 200, versions)
	}
	a.want("GET", "/api//9//processes/", "", 200, `{"respawned":0}`)
	a.want("GET", "http://"+second+"/9/processes", "", 200, `{"respawned":0}`)
	controlOf(s).want("GET", "/api/9/processes", 200, `{"respawned":0}`)
	for _, path := range []string{"/api/9/processes", "/off/9/processes"} {
		a.want("DELETE", path, "", 405, "MethodDisabled")
	}
	for _, path := range []string{"/writeapi/9/processes", "http://" + second + "/9/processes"} {
		a.want("DELETE", path, "", 204, "")
	}
	for _, path := range []string{"/exact/9", "/inner/9/processes"} {
		if answer, text := a.ask("GET", path, ""); answer.StatusCode != 404 || answer.Header.Get("Content-Type") != "text/html" {
			t.Errorf("GET %s: %d %s, want the page of 404", path, answer.StatusCode, text)
		}
	}
}

// read returns what a server sends to a client that sends nothing, until it closes the connection.
func (a restAPI) read(addr string) string {
	a.t.Helper()
	c, err := net.DialTimeout("tcp", addr, testwait.Patience)
	if err != nil {
		a.t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(testwait.Patience))
	text, _ := io.ReadAll(c)
	return string(text)
}

// eventually waits until the answer to a GET is that text.
func (a restAPI) eventually(path, want string) {
	a.t.Helper()
	var got string
	if !testwait.Within(testwait.Patience, func() bool {
		_, got = a.ask("GET", path, "")
		return got == want
	}) {
		a.t.Fatalf("GET %s: %s, want %s", path, got, want)
	}
}

// TestAPICounters checks the classes of sessions, the directions of bytes, and that zones of http and
// stream with one name differ.
func TestAPICounters(t *testing.T) {
	talker, shut := ports.Reserve(t).String(), ports.Reserve(t).String()
	a := withAPI(t, fmt.Sprintf(`
		upstream talkers { zone talkers 64k; server %[1]s; }
		server { listen %[1]s; return hello; }
		server { listen $ADDR; status_zone web; proxy_pass talkers; }
		server { listen %[2]s; status_zone shut; deny all; return x; }`, talker, shut))
	if got := a.read(a.addr); got != "hello" {
		t.Errorf("received %q", got)
	}
	a.eventually("stream/server_zones/web",
		`{"processing":0,"connections":1,"sessions":{"2xx":1,"4xx":0,"5xx":0,"total":1},"discarded":0,"received":0,"sent":5}`)
	var group struct {
		Peers []struct{ Sent, Received int }
	}
	a.get("stream/upstreams/talkers", &group)
	if p := group.Peers[0]; p.Sent != 0 || p.Received != 5 {
		t.Errorf("the peer: %+v, want 5 bytes received", p)
	}
	a.read(shut)
	a.eventually("stream/server_zones/shut?fields=sessions", `{"sessions":{"2xx":0,"4xx":1,"5xx":0,"total":1}}`)
	a.want("DELETE", "stream/server_zones/web", "", 204, "")
	a.want("GET", "stream/server_zones/web", "", 200,
		`{"processing":0,"connections":0,"sessions":{"2xx":0,"4xx":0,"5xx":0,"total":0},"discarded":0,"received":0,"sent":0}`)
	var zone struct{ Requests int }
	if a.get("http/server_zones/web", &zone); zone.Requests == 0 {
		t.Error("the reset of a zone of stream changed the zone of http of that name")
	}
}

// TestAPILimitConns checks the counters of limits and their reset.
func TestAPILimitConns(t *testing.T) {
	dry := ports.Reserve(t).String()
	a := withAPI(t, fmt.Sprintf(`
		limit_conn_zone $server_port zone=limit:1m;
		limit_conn_zone $server_port zone=dry:1m;
		server { listen $ADDR; status_zone full; limit_conn limit 1; proxy_pass $ECHO; }
		server { listen %s; limit_conn_dry_run on; limit_conn dry 1; proxy_pass $ECHO; }`, dry))
	a.dial(a.addr)
	a.read(a.addr)
	a.dial(dry)
	a.dial(dry)
	a.want("GET", "stream/limit_conns", "", 200,
		`{"limit":{"passed":1,"rejected":1,"rejected_dry_run":0},"dry":{"passed":1,"rejected":0,"rejected_dry_run":1}}`)
	a.eventually("stream/server_zones/full?fields=processing,sessions", `{"processing":1,"sessions":{"2xx":0,"4xx":0,"5xx":1,"total":1}}`)
	a.want("DELETE", "stream/limit_conns/limit", "", 204, "")
	a.want("GET", "stream/limit_conns/limit", "", 200, `{"passed":0,"rejected":0,"rejected_dry_run":0}`)
	a.want("GET", "stream/limit_conns/dry?fields=passed", "", 200, `{"passed":1}`)
}

// TestAPINames adds a name: it takes one ID for itself and one for its address, which the resolver's
// zone counts.
func TestAPINames(t *testing.T) {
	const servers = "stream/upstreams/brokers/servers/"
	const rest = `"weight":1,"max_conns":0,"max_fails":1,"fail_timeout":"10s","slow_start":"0s","backup":false,"down":false`
	dns, err := peers.StartDNS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dns.Close)
	if err := dns.Set("b.test", "A", 3600, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	a := withAPI(t, fmt.Sprintf(`resolver %s ipv6=off status_zone=dns;
		upstream brokers { zone brokers 64k; }
		server { listen $ADDR; proxy_pass brokers; }`, dns.Addr()))
	name := `{"id":0,"server":"b.test:1883",` + rest + `}`
	child := `{"id":1,"server":"127.0.0.1:1883",` + rest + `,"parent":"0","host":"b.test"}`
	a.want("POST", servers, `{"server":"b.test:1883"}`, 201, name)
	a.eventually(servers, "["+name+","+child+"]")
	added := `{"id":2,"server":"127.0.0.1:1884",` + rest + `}`
	a.want("POST", servers, `{"server":"127.0.0.1:1884"}`, 201, added)
	a.want("DELETE", servers+"1", "", 400, "UpstreamServerImmutable")
	a.want("PATCH", servers+"1", `{"server":"127.0.0.1:1885"}`, 400, "UpstreamServerImmutable")
	var group struct {
		Peers []struct {
			ID           int
			Server, Name string
		}
	}
	a.get("stream/upstreams/brokers", &group)
	if got := fmt.Sprint(group.Peers); got != "[{1 127.0.0.1:1883 b.test:1883} {2 127.0.0.1:1884 127.0.0.1:1884}]" {
		t.Errorf("peers: %s", got)
	}
	a.want("GET", "resolvers/dns", "", 200, `{"requests":{"name":1,"srv":0,"addr":0},"responses":`+
		`{"noerror":1,"formerr":0,"servfail":0,"nxdomain":0,"notimp":0,"refused":0,"timedout":0,"unknown":0}}`)
	a.want("DELETE", "resolvers/dns", "", 204, "")
	a.want("GET", "resolvers/dns?fields=requests", "", 200, `{"requests":{"name":0,"srv":0,"addr":0}}`)
	a.want("DELETE", servers+"0", "", 200, "["+added+"]")
}

// TestAPIHashGroup sends all members, as the vendor's client does, to groups whose method has neither
// backup servers nor slow_start.
func TestAPIHashGroup(t *testing.T) {
	const members = `"server":"127.0.0.1:1","weight":1,"max_conns":0,"max_fails":1,"fail_timeout":"10s","slow_start":"0s","backup":false,"down":`
	a := withAPI(t, `upstream ring { zone ring 64k; hash $remote_addr consistent; }
		upstream plain { zone plain 64k; hash $remote_addr; }
		upstream dice { zone dice 64k; random; }
		server { listen $ADDR; proxy_pass ring; }
		server { listen unix:plain.sock; proxy_pass plain; }
		server { listen unix:dice.sock; proxy_pass dice; }`)
	for _, group := range []string{"ring", "plain", "dice"} {
		path := "stream/upstreams/" + group + "/servers/"
		a.want("POST", path, `{`+members+`false}`, 201, `{"id":0,`+members+`false}`)
		a.want("PATCH", path+"0", `{`+members+`true}`, 200, `{"id":0,`+members+`true}`)
		a.want("POST", path, `{"server":"127.0.0.1:2","backup":true}`, 400, "UpstreamNoBackup")
		a.want("DELETE", path+"0", "", 200, `[]`)
	}
}

// TestAPIPeersWithTLS checks that the peers of a group that is reached over TLS have the counters of
// handshakes, and others have none.
func TestAPIPeersWithTLS(t *testing.T) {
	a := withAPI(t, `upstream secure { zone secure 64k; server 127.0.0.1:1; }
		upstream plain { zone plain 64k; server 127.0.0.1:1; }
		server { listen $ADDR; proxy_pass secure; proxy_ssl on; }
		server { listen unix:plain.sock; proxy_pass plain; }`)
	type group struct {
		Peers []struct{ SSL map[string]any }
	}
	var secure, plain group
	a.get("stream/upstreams/secure", &secure)
	a.get("stream/upstreams/plain", &plain)
	want := []string{
		"handshake_timeout", "handshakes", "handshakes_failed", "no_common_protocol", "peer_rejected_cert", "session_reuses", "verify_failures",
	}
	var got []string
	for name := range secure.Peers[0].SSL {
		got = append(got, name)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || plain.Peers[0].SSL != nil {
		t.Errorf("got %v and %v, want %v and nothing", got, plain.Peers[0].SSL, want)
	}
}

// TestAPIZonesOfHTTP checks which requests the zones of servers and locations count: servers may share
// one, off ends that of the outer location, and an if may have its own.
func TestAPIZonesOfHTTP(t *testing.T) {
	s := newSite(t)
	first, second, plain := ports.Reserve(t).String(), ports.Reserve(t).String(), ports.Reserve(t).String()
	write(t, s.path("nginx.conf"), httpPreamble+fmt.Sprintf(`
			server {
				listen %s;
				status_zone shared;
				location / {
					status_zone outer;
					location /off/ { status_zone off; return 200 off; }
					location /inner/ { return 200 inner; }
					if ($arg_x) { status_zone chosen; return 200 chosen; }
					return 200 outer;
				}
			}
			server { listen %s; status_zone shared; return 200 second; }
			server { listen %s; location /api { api; } }
		}`, first, second, plain))
	a := restAPI{s.front(), "http://" + plain + "/api/9/"}
	for path, want := range map[string]string{"/": "outer", "/inner/": "inner", "/off/": "off", "/?x=1": "chosen"} {
		a.want("GET", "http://"+first+path, "", 200, want)
	}
	a.want("GET", "http://"+second, "", 200, "second")
	a.eventually("http/server_zones?fields=requests", `{"shared":{"requests":5}}`)
	var zones map[string]struct{ Requests int }
	a.get("http/location_zones", &zones)
	if got := fmt.Sprint(zones); got != "map[chosen:{1} outer:{2}]" {
		t.Errorf("zones of locations: %s", got)
	}
}

// TestMetricsOfTheRecipe serves metrics with the vendor's recipe for Prometheus.
func TestMetricsOfTheRecipe(t *testing.T) {
	s := newSite(t)
	addr := ports.Reserve(t).String()
	write(t, s.path("nginx.conf"), httpPreamble+fmt.Sprintf(`
			subrequest_output_buffer_size 32k;
			js_import /usr/share/nginx-plus-module-prometheus/prometheus.js;
			keyval_zone zone=of_http:32k;
			server {
				listen %s;
				location /api { api; }
				location = /metrics {
					set $prom_metrics_stream_prefix "nginxplus_stream";
					js_content prometheus.metrics;
				}
			}
		}
		stream {
			upstream brokers { zone brokers 64k; server %s; }
			server { listen %s; status_zone mqtt; proxy_pass brokers; }
		}`, addr, s.echo, s.addr))
	a := restAPI{s.front(), "http://" + addr + "/api/9/"}
	answer, text := a.ask("GET", "http://"+addr+"/metrics", "")
	series := `nginxplus_stream_upstream_server_state{upstream="brokers",server="` + s.echo + `"} 1`
	if answer.StatusCode != http.StatusOK || !strings.Contains(text, series) {
		t.Errorf("%s, want %s in\n%s", answer.Status, series, text)
	}
	a.want("GET", "license?fields=eval", "", 200, `{"eval":false}`)
	var license struct {
		ActiveTill int64 `json:"active_till"`
		Reporting  struct {
			Healthy bool
			UUID    string
		}
	}
	if a.get("license", &license); license.ActiveTill <= time.Now().Unix() || !license.Reporting.Healthy || len(license.Reporting.UUID) != 36 {
		t.Errorf("license: %+v", license)
	}
}
