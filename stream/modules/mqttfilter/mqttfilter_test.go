package mqttfilter_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"weir/internal/mqtt"
	"weir/stream"
	"weir/stream/modules/mqttfilter"
	"weir/stream/modules/mqttpreread"
	"weir/stream/offline"
	"weir/stream/status"
)

// connect is a CONNECT of MQTT 3.1.1 with a client identifier, and a user name and a password unless
// they are empty.
func connect(id, username, password string) string {
	l := mqtt.Login{KeepAlive: 60, ClientID: id, Username: username, Password: password}
	l.HasUsername, l.HasPassword = username != "", password != ""
	return string(l.AppendTo(nil))
}

// counted is a variable that counts its evaluations.
func counted(n *int) stream.Variable {
	return stream.Variable{Name: "counted", Get: func(*stream.Session) (string, bool) {
		*n++
		return fmt.Sprint("value", *n), true
	}}
}

// variable is a variable with that value.
func variable(name, value string) stream.Variable {
	return stream.Variable{Name: name, Get: func(*stream.Session) (string, bool) { return value, true }}
}

// set maps fields to the values of mqtt_set_connect.
type set map[mqttfilter.FieldID]string

// listen returns an address whose server has the filter.
func listen(t testing.TB, limit int, values set, vars ...stream.Variable) *stream.Listen {
	t.Helper()
	config := stream.NewConfig()
	for _, v := range append(mqttpreread.Variables(), vars...) {
		if err := config.Vars.Define(v); err != nil {
			t.Fatal(err)
		}
	}
	f := &mqttfilter.Filter{Limit: limit}
	for field, text := range values {
		value, err := stream.ParseTemplate(text, config.Vars)
		if err != nil {
			t.Fatal(err)
		}
		f.Values[field] = &value
	}
	if unknown := config.Vars.Resolve(); len(unknown) > 0 {
		t.Fatal(unknown)
	}
	return &stream.Listen{Config: config, Default: &stream.Server{
		Filter: f, Content: offline.Echo{}, Settings: stream.Settings{PrereadBufferSize: 16384, PrereadTimeout: 30 * time.Second},
	}}
}

const usual = 100 << 10

func TestFilter(t *testing.T) {
	long := strings.Repeat("x", 20000)
	all := set{mqttfilter.ClientID: "new", mqttfilter.Username: "bob", mqttfilter.Password: "word"}
	tests := []struct {
		name        string
		values      set
		input, want string // of the packet
		rest        string
	}{
		{"nothing to set", nil, connect("dev", "ann", "pass"), connect("dev", "ann", "pass"), "\xc0\x00"},
		{"all fields", all, connect("dev", "ann", "pass"), connect("new", "bob", "word"), ""},
		{"all fields of an anonymous client", all, connect("dev", "", ""), connect("new", "bob", "word"), ""},
		{"variables", set{mqttfilter.ClientID: "$mqtt_preread_username-$mqtt_preread_clientid"}, connect("dev", "ann", ""), connect("ann-dev", "ann", ""), ""},
		{"empty values", set{mqttfilter.ClientID: "$empty", mqttfilter.Username: "$empty"}, connect("dev", "ann", "pass"), connect("", "", ""), ""},
		{"longer than a buffer", all, connect("dev", "ann", long), connect("new", "bob", "word"), ""},
		{"bytes after the packet", all, connect("dev", "", ""), connect("new", "bob", "word"), "\x82\x06\x00\x01\x00\x01t\x00\xc0\x00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, size := range []int{1, 7, 1448, 1 << 20} {
				for _, preread := range []bool{false, true} {
					l := listen(t, usual, tt.values, variable("empty", ""))
					if preread || tt.name == "variables" {
						l.Default.Handlers[stream.Preread] = []stream.Handler{mqttpreread.Handler{}}
					}
					s := offline.NewSession(t, l)
					input := tt.input + tt.rest
					step, taken := s.Feed(input, size)
					if taken < len(tt.input) || step.Do != stream.Send {
						t.Fatalf("in pieces of %d: got %s after %d bytes", size, offline.StepText(step, s.Clock.Now()), taken)
					}
					if want := tt.want + input[len(tt.input):taken]; string(step.Out) != want {
						t.Errorf("in pieces of %d: sent %.200q, want %.200q", size, step.Out, want)
					}
					if size == 1 && taken != len(tt.input) {
						t.Errorf("read %d bytes of a packet of %d", taken, len(tt.input))
					}
					if got := s.Traffic.FromClient.Load(); tt.values != nil && got != int64(taken) {
						t.Errorf("counted %d bytes from the client, want %d", got, taken)
					}
					if got, want := s.OnlyOpened(), taken == len(tt.input); got != want {
						t.Errorf("in pieces of %d: only opened: %v, want %v", size, got, want)
					}
				}
			}
		})
	}
}

// A value is evaluated once, when the packet has arrived.
func TestFilterEvaluatesOnce(t *testing.T) {
	n := 0
	s := offline.NewSession(t, listen(t, usual, set{mqttfilter.Username: "$counted"}, counted(&n)))
	step, _ := s.Feed(connect("dev", "ann", "pass"), 1)
	if want := connect("dev", "value1", "pass"); string(step.Out) != want || n != 1 {
		t.Errorf("sent %q after %d evaluations, want %q after 1", step.Out, n, want)
	}
}

func TestFilterRefuses(t *testing.T) {
	const context = " while prereading client data, client: 192.0.2.1, server: 192.0.2.100:1883"
	limited := connect("dev", strings.Repeat("u", 1000), "")
	value := func(field mqttfilter.FieldID, text string) []stream.Variable {
		return []stream.Variable{variable(field.String(), text)}
	}
	from := func(field mqttfilter.FieldID) set { return set{field: "$" + field.String()} }
	tests := []struct {
		name   string
		limit  int
		values set
		vars   []stream.Variable
		input  string
		most   int // the number of bytes after which the session has ended
		status stream.Status
		log    string
	}{
		{"HTTP", usual, nil, nil, "GET / HTTP/1.1\r\n\r\n", 1, 400, "invalid MQTT CONNECT packet"},
		{"another packet", usual, nil, nil, "\xc0\x00", 1, 400, "invalid MQTT CONNECT packet"},
		{"an identifier beyond the packet", usual, nil, nil, "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x09abcdefghi", 14, 400, "invalid MQTT CONNECT packet"},
		{"bytes after the last field", usual, nil, nil, "\x10\x0f\x00\x04MQTT\x04\x02\x00\x3c\x00\x01abb", 17, 400, "invalid MQTT CONNECT packet"},
		{"a packet as long as the limit", len(limited), nil, nil, limited, len(limited), 0, ""},
		{"a packet beyond the limit", len(limited) - 1, nil, nil, limited, 3, 400, `MQTT CONNECT packet of 1020 bytes exceeds "mqtt_buffers"`},
		{"the largest length", usual, nil, nil, "\x10\xff\xff\xff\x7f", 5, 400, `MQTT CONNECT packet of 268435460 bytes exceeds "mqtt_buffers"`},
		{"a rewritten packet beyond the limit", 40, set{mqttfilter.Password: strings.Repeat("p", 20)}, nil, connect("dev", "ann", ""), 22, 500,
			`rewritten MQTT CONNECT packet of 44 bytes exceeds "mqtt_buffers"`},
		{"NUL in a user name", usual, from(mqttfilter.Username), value(mqttfilter.Username, "a\x00b"), connect("dev", "", ""), 17, 500,
			`invalid value of "mqtt_set_connect username": not UTF-8 without NUL`},
		{"bytes in a client identifier", usual, from(mqttfilter.ClientID), value(mqttfilter.ClientID, "\xff"), connect("dev", "", ""), 17, 500,
			`invalid value of "mqtt_set_connect clientid": not UTF-8 without NUL`},
		{"a long password", usual, from(mqttfilter.Password), value(mqttfilter.Password, strings.Repeat("p", 65536)), connect("dev", "u", ""), 20, 500,
			`invalid value of "mqtt_set_connect password": longer than 65535 bytes`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := offline.NewSession(t, listen(t, tt.limit, tt.values, tt.vars...))
			step, taken := s.Feed(tt.input, 1)
			if s.Status != tt.status || step.Do == stream.Finish != (tt.status != 0) || taken > tt.most {
				t.Errorf("got %s, status %d after %d bytes, want %d after at most %d", offline.StepText(step, s.Clock.Now()), s.Status, taken, tt.status, tt.most)
			}
			if tt.log != "" && (s.Lines.Count(tt.log+context) != 1 || len(s.Lines.All()) != 2) {
				t.Errorf("got log %q, want one line with %q", s.Lines.All(), tt.log)
			}
		})
	}
}

// A client that never sends the whole packet ends its session as in the preread phase.
func TestFilterWithoutWholePacket(t *testing.T) {
	offline.Script(t, offline.NewSession(t, listen(t, usual, nil)), `
		accepted                    -> read max=4096 within=30s
		after 10s                   -> keep
		bytes "\x10\x0f\x00\x04MQT" -> read max=10 within=20s
		after 20s                   -> keep
		timedout                    -> finish reset`)
	offline.Script(t, offline.NewSession(t, listen(t, usual, nil)), `
		accepted      -> read max=4096 within=30s
		bytes "\x10"  -> read max=4096 within=30s
		eof           -> finish reset`)
	offline.Script(t, offline.NewSession(t, listen(t, usual, nil)), `
		accepted      -> read max=4096 within=30s
		aborted       -> finish`)
}

// A password may have any bytes.
func TestFilterAcceptsBinaryPassword(t *testing.T) {
	s := offline.NewSession(t, listen(t, usual, set{mqttfilter.Password: "$binary"}, variable("binary", "\x00\xff")))
	step, _ := s.Feed(connect("dev", "ann", ""), 1)
	if want := connect("dev", "ann", "\x00\xff"); string(step.Out) != want {
		t.Errorf("sent %q, want %q", step.Out, want)
	}
}

// Datagrams are passed on as they are.
func TestFilterLeavesDatagrams(t *testing.T) {
	l := listen(t, usual, set{mqttfilter.ClientID: "new"})
	l.Addr = stream.Addr{IP: netip.MustParseAddrPort("192.0.2.100:1883"), UDP: true}
	s := offline.NewSession(t, l)
	step := s.Advance(stream.Event{Kind: stream.Accepted, Data: []byte("GET /")})
	if step.Do != stream.Send || string(step.Out) != "GET /" {
		t.Errorf("got %s", offline.StepText(step, s.Clock.Now()))
	}
}

// TestFilterCounts checks that each session counts once in the zone of its server, and only if the
// filter is the one that counts.
func TestFilterCounts(t *testing.T) {
	for _, counts := range []bool{true, false} {
		zone := status.NewServerZone("z")
		zone.CountMQTT()
		for _, input := range []string{connect("dev", "ann", ""), "GET / HTTP/1.1\r\n"} {
			l := listen(t, usual, nil)
			l.Default.Zone = zone
			l.Default.Filter.(*mqttfilter.Filter).Counts = counts
			offline.NewSession(t, l).Feed(input, 3)
		}
		want := uint64(0)
		if counts {
			want = 1
		}
		if got := zone.MQTT().Snapshot(); got.V311 != want || got.Malformed != want {
			t.Errorf("counts %v: got %+v", counts, got)
		}
	}
}
