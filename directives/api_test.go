package directives

import (
	"maps"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/modules/mqttfilter"
	"weir/stream/modules/proxy"
)

// compileText returns the Program of a configuration without errors.
func compileText(t *testing.T, text string) *Program {
	t.Helper()
	p, errors := compileIn(testEnv(), text)
	if errors != "" {
		t.Fatal(errors)
	}
	return p
}

// partOf returns the part of the program with that key.
func partOf(t *testing.T, p *Program, key string) stream.Part {
	t.Helper()
	for _, part := range p.Stream.Parts {
		if part.Key() == key {
			return part
		}
	}
	t.Fatalf("there is no part %q", key)
	return nil
}

// openAfter opens the part of that key in p after that of old, as a reload does.
func openAfter(t *testing.T, p, old *Program, key string) {
	t.Helper()
	if err := partOf(t, p, key).Open(t.Context(), &stream.Env{}, partOf(t, old, key)); err != nil {
		t.Fatal(err)
	}
}

// TestStatusZone checks that servers of one name share a zone, and that a reload keeps its counters.
func TestStatusZone(t *testing.T) {
	const text = `events {}
		stream {
			server { listen 127.0.0.1:9311; status_zone a; return x; }
			server { listen 127.0.0.1:9312; status_zone b; return x; }
			server { listen 127.0.0.1:9313; status_zone a; return x; }
			server { listen 127.0.0.1:9314; return x; }
		}`
	first, next := compileText(t, text), compileText(t, text)
	zones := first.Stream.Status.Servers
	if len(zones) != 2 || zones[0].Name != "a" || zones[1].Name != "b" {
		t.Fatalf("got zones %v", zones)
	}
	servers := first.Stream.Listens
	if servers[0].Default.Zone != zones[0] || servers[2].Default.Zone != zones[0] || servers[3].Default.Zone != nil {
		t.Error("servers have the wrong zones")
	}
	zones[0].Connected(0)
	openAfter(t, next, first, "status_zone a")
	if got := next.Stream.Status.Servers[0].Snapshot().Connections; got != 1 {
		t.Errorf("got %d connections after a reload, want 1", got)
	}
}

// TestResolverZone checks that a resolver counts in its zone, and that a reload keeps its counters.
func TestResolverZone(t *testing.T) {
	const text = `events {}
		stream {
			resolver 127.0.0.1 status_zone=dns;
			server { listen 127.0.0.1:9311; proxy_pass $server_addr:80; }
		}`
	first, next := compileText(t, text), compileText(t, text)
	zones := first.Stream.Status.Resolvers
	if len(zones) != 1 || zones[0].Name != "dns" {
		t.Fatalf("got zones %v", zones)
	}
	openAfter(t, next, first, "resolver status_zone dns")
}

// TestMQTTZone checks which zones count MQTT packets: those of servers that read the CONNECT, which
// then get the first bytes of brokers.
func TestMQTTZone(t *testing.T) {
	p := compileText(t, `events {}
		stream {
			server { listen 127.0.0.1:9311; status_zone preread; mqtt_preread on; proxy_pass 127.0.0.1:1; }
			server { listen 127.0.0.1:9312; status_zone filter; mqtt on; proxy_pass 127.0.0.1:1; }
			server { listen 127.0.0.1:9313; status_zone both; mqtt on; mqtt_preread on; proxy_pass 127.0.0.1:1; }
			server { listen 127.0.0.1:9314; status_zone neither; proxy_pass 127.0.0.1:1; }
			server { listen 127.0.0.1:9315; mqtt_preread on; proxy_pass 127.0.0.1:1; }
		}`)
	for i, want := range []struct{ counts, byFilter bool }{{true, false}, {true, true}, {true, false}, {false, false}, {false, false}} {
		server := p.Stream.Listens[i].Default
		filter, _ := server.Filter.(*mqttfilter.Filter)
		if got := server.Zone.MQTT() != nil; got != want.counts {
			t.Errorf("server %d: counts %v, want %v", i, got, want.counts)
		}
		if got := filter != nil && filter.Counts; got != want.byFilter {
			t.Errorf("server %d: the filter counts %v, want %v", i, got, want.byFilter)
		}
		if got := server.Content.(*proxy.Content).Relay.FirstByte; got != want.counts {
			t.Errorf("server %d: first bytes are reported: %v, want %v", i, got, want.counts)
		}
	}
}

// TestSlabs checks that the API can show the space of each zone: of limits, of groups, of which two
// share one, and of key-value pairs.
func TestSlabs(t *testing.T) {
	p := compileText(t, `events {}
		stream {
			limit_conn_zone $remote_addr zone=limits:1m;
			keyval_zone zone=pairs:1m;
			upstream a { zone shared 64k; server 127.0.0.1:1; }
			upstream b { zone shared; server 127.0.0.1:1; server 127.0.0.1:2 backup; }
			upstream c { server 127.0.0.1:1; }
			server { listen 127.0.0.1:9311; proxy_pass a; }
		}`)
	for _, part := range p.Stream.Parts {
		if err := part.Open(t.Context(), &stream.Env{Now: time.Now}, nil); err != nil {
			t.Fatal(err)
		}
		defer part.Close()
	}
	used := map[string]int{}
	for _, z := range p.Stream.Status.Slabs {
		f := z.Figures()
		for _, s := range f.Slots {
			used[z.Name] += s.Used
		}
		if f.PagesFree == 0 {
			t.Errorf("zone %s has no free pages", z.Name)
		}
	}
	if want := map[string]int{"limits": 2, "pairs": 0, "shared": 1 + 2*4 + 3*4 + 1}; !maps.Equal(used, want) {
		t.Errorf("got blocks %v, want %v", used, want)
	}
}
