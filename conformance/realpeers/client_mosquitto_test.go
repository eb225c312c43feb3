package realpeers

import (
	"strings"
	"syscall"
	"testing"

	"weir/conformance/installed"
	"weir/conformance/program"
)

// mosquittoClients are mosquitto_pub and mosquitto_sub.
type mosquittoClients struct {
	version  string // value of -V
	protocol byte
}

func (m mosquittoClients) level() byte { return m.protocol }

func (m mosquittoClients) subscribe(t *testing.T, c call) *session {
	t.Helper()
	s := &session{from: c.source}
	args := append(m.args(c), "-d", "-C", "1", "-F", "message %q %t %p", "--will-topic", c.willTopic, "--will-payload", c.will, "--will-qos", "1")
	// It exits by itself after one message (-C 1): on a signal, it would ask an MQTT 5 broker to
	// send its will. It buffers output to a pipe up to 4 KiB.
	args = append([]string{"-oL", installed.Program(t, "mosquitto_sub", "mosquitto-clients")}, args...)
	p := start(t, s.mosquittoLine, nil, installed.Program(t, "stdbuf", "coreutils"), args...)
	p.awaitText(t, program.Patience, "Subscribed (mid: 1): 1")
	s.end = func(t *testing.T) {
		t.Helper()
		program.Await(t, "the end of mosquitto_sub", p.hasEnded)
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("mosquitto_sub: exit code %d, want 0", code)
		}
	}
	s.kill = func(*testing.T) { p.stop(syscall.SIGKILL) }
	return s
}

func (m mosquittoClients) publish(t *testing.T, c call) string {
	t.Helper()
	p := start(t, nil, nil, installed.Program(t, "mosquitto_pub", "mosquitto-clients"), append(m.args(c), "-m", c.payload)...)
	program.Await(t, "the end of mosquitto_pub", p.hasEnded)
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Fatalf("mosquitto_pub: exit code %d, want 0", code)
	}
	return c.source
}

// args returns the arguments that both programs share.
func (m mosquittoClients) args(c call) []string {
	args := []string{"-h", hostOf(c.addr), "-p", portOf(c.addr), "-A", c.source, "-V", m.version, "-i", c.id, "-q", "1", "-t", c.topic}
	if c.tls != nil {
		args = append(args, "--cafile", c.tls.CA, "--cert", c.tls.Device.Cert, "--key", c.tls.Device.Key)
	}
	return args
}

// mosquittoLine parses a message in the format given to -F.
func (s *session) mosquittoLine(line string) {
	f := strings.SplitN(line, " ", 4)
	if len(f) == 4 && f[0] == "message" {
		s.add(message{topic: f[2], payload: f[3], qos: f[1][0] - '0'})
	}
}
