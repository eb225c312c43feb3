package realpeers

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"text/template"

	"weir/conformance/program"
)

// confTemplate is the configuration of a fleet: brokers chosen by client identifier.
var confTemplate = template.Must(template.New("nginx.conf").Parse(`worker_processes 2;
error_log logs/error.log info;
pid weir.pid;
events { worker_connections 1024; }
stream {
    mqtt_preread on;
    log_format peers '$remote_addr:$remote_port $status "$mqtt_preread_clientid"';
    access_log logs/mqtt.log peers;
    upstream brokers {
        zone brokers 64k;
        hash $mqtt_preread_clientid consistent;
{{range .Brokers}}        server {{.}};
{{end}}    }
    server {
        listen {{.Listen}}{{if .TLS}} ssl{{end}};
{{with .TLS}}        ssl_certificate {{.Server.Cert}};
        ssl_certificate_key {{.Server.Key}};
        ssl_client_certificate {{.CA}};
        ssl_verify_client on;
{{end}}{{with .BrokerTLS}}        proxy_ssl on;
        proxy_ssl_certificate {{.Device.Cert}};
        proxy_ssl_certificate_key {{.Device.Key}};
        proxy_ssl_trusted_certificate {{.CA}};
        proxy_ssl_verify on;
        proxy_ssl_name {{.Name}};
{{end}}{{if .Filter}}        mqtt on;
        mqtt_set_connect clientid "fleet-$mqtt_preread_clientid";
        mqtt_set_connect username guest;
        mqtt_set_connect password guest;
{{end}}        proxy_pass brokers;
        proxy_connect_timeout 3s;
        proxy_timeout 10m;
        proxy_protocol {{.Header}};
    }
}
`))

// front is a running weir.
type front struct {
	addr    string
	prefix  string
	header  string // value of proxy_protocol
	brokers []*broker
	tls     *credentials // of the listener; nil without TLS
	// brokersTLS is for the TLS listeners of the brokers; nil for those without TLS.
	brokersTLS *credentials
	filter     bool // with the MQTT filter: brokers receive other client identifiers, and credentials
}

// startWeir runs weir in front of the brokers, with that value of proxy_protocol.
func startWeir(t *testing.T, header string, brokers []*broker) *front {
	t.Helper()
	return (&front{header: header, brokers: brokers}).start(t)
}

// start runs weir with the settings of f.
func (f *front) start(t *testing.T) *front {
	t.Helper()
	f.addr = freeAddr(t)
	var addrs []string
	for _, b := range f.brokers {
		addr := b.addr
		if f.brokersTLS != nil {
			addr = b.tlsAddr
		}
		addrs = append(addrs, addr)
	}
	var text strings.Builder
	values := map[string]any{"Listen": f.addr, "Header": f.header, "Brokers": addrs, "TLS": f.tls, "BrokerTLS": f.brokersTLS, "Filter": f.filter}
	if err := confTemplate.Execute(&text, values); err != nil {
		t.Fatal(err)
	}
	return f.run(t, text.String())
}

// run runs weir with that configuration, which listens on f.addr.
func (f *front) run(t *testing.T, text string) *front {
	t.Helper()
	f.prefix = t.TempDir()
	conf := f.writeConf(t, text)
	p := start(t, nil, nil, weirBinary, "-p", f.prefix, "-e", f.log("error.log"), "-c", conf, "-g", "daemon off;")
	program.Await(t, "weir to listen on "+f.addr, func() bool {
		if p.hasEnded() {
			t.Fatalf("weir ended: %v", p.cmd.ProcessState)
		}
		return accepts(f.addr)
	})
	t.Cleanup(func() {
		if code := p.stop(syscall.SIGTERM); code != 0 {
			t.Errorf("weir: exit code %d, want 0", code)
		}
		f.checkErrorLog(t)
	})
	return f
}

// writeConf writes the configuration and returns its path.
func (f *front) writeConf(t *testing.T, text string) string {
	t.Helper()
	conf := filepath.Join(f.prefix, "nginx.conf")
	if err := os.Mkdir(filepath.Join(f.prefix, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return conf
}

// log returns the path of one of weir's logs.
func (f *front) log(name string) string {
	return filepath.Join(f.prefix, "logs", name)
}

// checkErrorLog searches the log for messages that normal operation must not cause, and prints the
// log of a failed test.
func (f *front) checkErrorLog(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(f.log("error.log"))
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []string{"[emerg]", "[alert]", "[crit]"} {
		if strings.Contains(string(text), level) {
			t.Errorf("the error log has a line at level %s", level)
		}
	}
	if t.Failed() {
		t.Logf("error log of weir:\n%s", text)
	}
}

// accepts reports whether a program listens on addr.
func accepts(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// awaitVisit waits until a broker has more sessions of id than before, and returns that broker and
// the latest session.
func (f *front) awaitVisit(t *testing.T, id string, before map[*broker]int) (*broker, brokerSession) {
	t.Helper()
	var home *broker
	var latest brokerSession
	program.Await(t, "a broker to meet "+id, func() bool {
		for _, b := range f.brokers {
			if ms := b.record.of(id); len(ms) > before[b] {
				home, latest = b, ms[len(ms)-1]
			}
		}
		return home != nil
	})
	return home, latest
}

// counts returns how often each broker has met id.
func (f *front) counts(id string) map[*broker]int {
	n := make(map[*broker]int)
	for _, b := range f.brokers {
		n[b] = len(b.record.of(id))
	}
	return n
}

// awaitLogged waits for the access log line about a session of id from an address that begins with
// from.
func (f *front) awaitLogged(t *testing.T, from, id string) {
	t.Helper()
	program.Await(t, "the access log's line about "+id+" from "+from, func() bool {
		text, err := os.ReadFile(f.log("mqtt.log"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, from) && strings.HasSuffix(line, fmt.Sprintf(" 200 %q\n", id)) {
				return true
			}
		}
		return false
	})
}
