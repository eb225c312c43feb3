package examples_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/conformance/peers"
)

// A plus is the running example nginx-plus.
type plus struct {
	*running
	brokers []*broker
	api     string // "http://HOST:PORT/api/9"
}

// startPlus starts the example with three brokers, and returns once they are healthy. Its user may write.
func startPlus(t *testing.T) *plus {
	t.Helper()
	p := &plus{running: example(t, "nginx-plus"), brokers: startBrokers(t, brokerOptions{count: 3})}
	dns, err := peers.StartDNS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(dns.Close)
	for _, dir := range []string{"run", "state", "html"} {
		if err := os.Mkdir(filepath.Join(p.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"mime.types"} {
		text, err := os.ReadFile(filepath.Join("nginx-plus", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(p.dir, name), string(text))
	}
	write(t, filepath.Join(p.dir, "users"), "operator:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n") // secret
	p.listen("8080")
	p.api = "http://" + p.addr + "/api/9"
	p.replace("listen 1884;", "listen "+freeAddr(t)+";")
	p.replace("listen 127.0.0.1:1885;", "listen "+freeAddr(t)+";")
	p.replace("pid run/nginx.pid;\n", "")
	p.replace("127.0.0.1:5353", dns.Addr())
	p.running.brokers("1883", p.brokers)
	p.listen("1883")
	p.start()
	p.await("the brokers to be healthy", func() bool { return p.states() == "up up up" })
	return p
}

// get returns the object at a path of the API.
func (p *plus) get(path string) map[string]any {
	p.t.Helper()
	return p.send(http.MethodGet, path, "", http.StatusOK)
}

// send sends a request to the API as the operator, and returns the object of the answer.
func (p *plus) send(method, path, body string, status int) map[string]any {
	p.t.Helper()
	r, err := http.NewRequest(method, p.api+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if method != http.MethodGet {
		r.SetBasicAuth("operator", "secret")
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != status {
		p.t.Fatalf("%s %s: %s, %v, want %d: %s", method, path, answer.Status, err, status, text)
	}
	var object map[string]any
	json.Unmarshal(text, &object)
	return object
}

// states returns the states of the brokers.
func (p *plus) states() string {
	p.t.Helper()
	var all []string
	for _, peer := range p.get("/stream/upstreams/brokers")["peers"].([]any) {
		all = append(all, peer.(map[string]any)["state"].(string))
	}
	return strings.Join(all, " ")
}

// TestNGINXPlus follows the README of the example.
func TestNGINXPlus(t *testing.T) {
	p := startPlus(t)
	checkSticky(t, p.running, p.brokers)
	zone := p.get("/stream/server_zones/mqtt")
	if zone["connections"].(float64) < 16 || zone["received"].(float64) == 0 {
		t.Errorf("the zone has %v", zone)
	}
	p.send(http.MethodPost, "/stream/upstreams/bridge/servers", fmt.Sprintf(`{"server":%q}`, p.brokers[0].addr), http.StatusCreated)
	state, err := os.ReadFile(filepath.Join(p.dir, "state", "bridge.conf"))
	if want := "server " + p.brokers[0].addr + ";\n"; err != nil || string(state) != want {
		t.Errorf("the state file has %q, %v, want %q", state, err, want)
	}
	p.send(http.MethodPost, "/stream/keyvals/blocked", `{"pump-66":"1"}`, http.StatusCreated)
	if err := tryGreet(p.dial(), "pump-66"); err == nil {
		t.Error("a blocked client got through")
	}
	greet(t, p.dial(), "pump-67")
}

// TestReadersMayNotWrite checks the access rules of the example.
func TestReadersMayNotWrite(t *testing.T) {
	p := startPlus(t)
	answer, err := http.Post(p.api+"/stream/upstreams/bridge/servers", "application/json", strings.NewReader(`{"server":"192.0.2.1:1"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusUnauthorized || answer.Header.Get("WWW-Authenticate") != `Basic realm="NGINX Plus API"` {
		t.Errorf("%s, %v", answer.Status, answer.Header)
	}
}
