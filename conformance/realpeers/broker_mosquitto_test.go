package realpeers

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"weir/conformance/installed"
	"weir/conformance/program"
)

// startMosquitto runs mosquitto. Its version 2.0 does not support the PROXY protocol.
func startMosquitto(t *testing.T) *broker {
	t.Helper()
	mosquitto := installed.Program(t, "mosquitto", "mosquitto")
	addr, tlsAddr := freeAddr(t), freeAddr(t)
	conf := filepath.Join(t.TempDir(), "mosquitto.conf")
	// By default it drops root privileges, and could then not read its configuration.
	text := fmt.Sprintf("user root\nlistener %s 127.0.0.1\nallow_anonymous true\npersistence false\nlog_dest stderr\nlog_type all\n", portOf(addr)) +
		fmt.Sprintf("listener %s 127.0.0.1\ncafile %s\ncertfile %s\nkeyfile %s\nrequire_certificate true\n",
			portOf(tlsAddr), shared.CA, shared.Server.Cert, shared.Server.Key)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	r := new(record)
	p := start(t, r.mosquittoLine, nil, mosquitto, "-c", conf)
	p.awaitText(t, program.Patience, " running")
	b := newBroker(t, "mosquitto", addr, false, r)
	b.tlsAddr = tlsAddr
	return b
}

var (
	mosquittoConnected    = regexp.MustCompile(`New client connected from (\S+) as (\S+) \(`)
	mosquittoDisconnected = regexp.MustCompile(`Client (\S+) (disconnected|closed its connection)\.`)
)

// mosquittoLine records a line of mosquitto's log.
func (r *record) mosquittoLine(line string) {
	if m := mosquittoConnected.FindStringSubmatch(line); m != nil {
		r.connected(m[2], m[1], 0)
	}
	if m := mosquittoDisconnected.FindStringSubmatch(line); m != nil {
		r.disconnected(m[2] == "disconnected", byID(m[1]))
	}
}
