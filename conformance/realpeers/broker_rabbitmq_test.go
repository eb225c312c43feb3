package realpeers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"

	"weir/conformance/installed"
)

const (
	// rabbitBin contains the programs that run as the caller; those on the PATH switch to a user of
	// their own.
	rabbitBin = "/usr/lib/rabbitmq/bin"
	// rabbitStart is RabbitMQ's startup timeout: it takes some 15 s on an idle machine, and more than a
	// minute on a busy one.
	rabbitStart = 5 * time.Minute
)

// startRabbitMQ runs RabbitMQ with its MQTT plugin, which requires a strictly valid PROXY header.
func startRabbitMQ(t *testing.T) *broker {
	t.Helper()
	server := filepath.Join(rabbitBin, "rabbitmq-server")
	if _, err := os.Stat(server); err != nil {
		installed.Missing(t, "RabbitMQ is not installed: apt-get install rabbitmq-server")
	}
	addr, tlsAddr := freeAddr(t), freeAddr(t)
	env := rabbitEnv(t, addr, tlsAddr)
	t.Cleanup(func() { stopNameServer(t, env) }) // after the broker, because it outlives the broker
	r := new(record)
	p := start(t, r.rabbitLine, env, server)
	p.awaitText(t, rabbitStart, "Server startup complete")
	b := newBroker(t, "rabbitmq", addr, true, r)
	b.tlsAddr = tlsAddr
	return b
}

// rabbitEnv writes RabbitMQ's files and returns the environment that points to them and binds all
// sockets to loopback.
func rabbitEnv(t *testing.T, addr, tlsAddr string) []string {
	t.Helper()
	dir := t.TempDir()
	conf := fmt.Sprintf("listeners.tcp = none\nmqtt.listeners.tcp.1 = %s\nmqtt.proxy_protocol = true\n"+
		"mqtt.allow_anonymous = true\nloopback_users.guest = false\nlog.console = true\nlog.file = false\n", addr) +
		fmt.Sprintf("mqtt.listeners.ssl.1 = %s\nssl_options.cacertfile = %s\nssl_options.certfile = %s\nssl_options.keyfile = %s\n"+
			"ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n", tlsAddr, shared.CA, shared.Server.Cert, shared.Server.Key)
	for name, text := range map[string]string{"rabbitmq.conf": conf, "enabled_plugins": "[rabbitmq_mqtt].\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return []string{
		"HOME=" + dir,
		fmt.Sprintf("RABBITMQ_NODENAME=weir%d@localhost", os.Getpid()),
		"RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
		"RABBITMQ_DIST_PORT=" + strconv.Itoa(freePort(t)),
		"ERL_EPMD_ADDRESS=127.0.0.1",
		"ERL_EPMD_PORT=" + strconv.Itoa(freePort(t)),
		"RABBITMQ_CONFIG_FILE=" + filepath.Join(dir, "rabbitmq.conf"),
		"RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(dir, "enabled_plugins"),
		"RABBITMQ_MNESIA_BASE=" + filepath.Join(dir, "db"),
		"RABBITMQ_LOG_BASE=" + filepath.Join(dir, "log"),
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
	}
}

// stopNameServer stops the Erlang name server on the port that env names.
func stopNameServer(t *testing.T, env []string) {
	t.Helper()
	kill := exec.Command("epmd", "-kill")
	kill.Env = append(os.Environ(), env...)
	if out, err := kill.CombinedOutput(); err != nil {
		t.Logf("epmd -kill: %v: %s", err, out)
	}
}

var (
	rabbitConnected = regexp.MustCompile(`accepting MQTT connection \S+ \((\S+) -> \S+, client id: (\S+)\)`)
	rabbitClean     = regexp.MustCompile(`closing MQTT connection \S+ \((\S+) -> `)
	rabbitFailed    = regexp.MustCompile(`MQTT connection "(\S+) -> \S+" will terminate`)
)

// rabbitLine records a line of RabbitMQ's log.
func (r *record) rabbitLine(line string) {
	if m := rabbitConnected.FindStringSubmatch(line); m != nil {
		r.connected(m[2], m[1], 0)
	}
	if m := rabbitClean.FindStringSubmatch(line); m != nil {
		r.disconnected(true, byAddress(m[1]))
	}
	if m := rabbitFailed.FindStringSubmatch(line); m != nil {
		r.disconnected(false, byAddress(m[1]))
	}
}
