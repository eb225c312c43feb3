package realpeers

import (
	"encoding/json"
	"io"
	"strings"
	"syscall"
	"testing"

	"weir/conformance/program"
)

// mqttJS is MQTT.js, the engine of MQTTX, in js/client.mjs.
type mqttJS struct {
	protocol byte
}

func (m mqttJS) level() byte { return m.protocol }

// jsEvent is a line of js/client.mjs.
type jsEvent struct {
	Event, From, Topic, Payload string
	QoS                         byte
}

func (m mqttJS) subscribe(t *testing.T, c call) *session {
	t.Helper()
	s := new(session)
	p := start(t, s.jsLine, nil, needNode(t), "js/client.mjs", m.request(t, "subscribe", c))
	p.awaitText(t, program.Patience, `"subscribed"`)
	s.from = fromOf(t, p)
	s.end = func(t *testing.T) {
		t.Helper()
		if _, err := io.WriteString(p.stdin, "end\n"); err != nil {
			t.Fatal(err)
		}
		program.Await(t, "the end of MQTT.js", p.hasEnded)
		if code := p.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("MQTT.js: exit code %d, want 0", code)
		}
	}
	s.kill = func(*testing.T) { p.stop(syscall.SIGKILL) }
	return s
}

func (m mqttJS) publish(t *testing.T, c call) string {
	t.Helper()
	p := start(t, nil, nil, needNode(t), "js/client.mjs", m.request(t, "publish", c))
	program.Await(t, "the end of MQTT.js", p.hasEnded)
	return fromOf(t, p)
}

// request returns the argument of js/client.mjs.
func (m mqttJS) request(t *testing.T, mode string, c call) string {
	t.Helper()
	request := map[string]any{
		"mode": mode, "host": hostOf(c.addr), "port": json.Number(portOf(c.addr)), "source": c.source, "id": c.id, "level": m.protocol,
		"topic": c.topic, "payload": c.payload, "willTopic": c.willTopic, "will": c.will,
	}
	if c.tls != nil {
		request["tls"] = map[string]string{"ca": c.tls.CA, "cert": c.tls.Device.Cert, "key": c.tls.Device.Key}
	}
	text, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fromOf returns the client's address, which is on the first line.
func fromOf(t *testing.T, p *process) string {
	t.Helper()
	line, _, _ := strings.Cut(p.text(), "\n")
	var e jsEvent
	if err := json.Unmarshal([]byte(line), &e); err != nil || e.From == "" {
		t.Fatalf("MQTT.js said %q, want a line with its address", p.text())
	}
	return e.From
}

// jsLine parses a message.
func (s *session) jsLine(line string) {
	var e jsEvent
	if json.Unmarshal([]byte(line), &e) == nil && e.Event == "message" {
		s.add(message{topic: e.Topic, payload: e.Payload, qos: e.QoS})
	}
}
