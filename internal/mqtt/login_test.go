package mqtt

import (
	"strings"
	"testing"
)

func TestLogin(t *testing.T) {
	tests := []struct {
		login Login
		want  string
	}{
		{Login{}, "\x10\x0c\x00\x04MQTT\x04\x02\x00\x00\x00\x00"},
		{Login{IsV5: true, KeepAlive: 60, ClientID: "c"}, "\x10\x0e\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x01c"},
		{
			Login{ClientID: "c", Username: "ann", HasUsername: true, Password: "p", HasPassword: true},
			"\x10\x15\x00\x04MQTT\x04\xc2\x00\x00\x00\x01c\x00\x03ann\x00\x01p",
		},
		{Login{IsV5: true, HasPassword: true}, "\x10\x0f\x00\x04MQTT\x05\x42\x00\x00\x00\x00\x00\x00\x00"},
		{
			Login{ClientID: strings.Repeat("c", 200)},
			"\x10\xd4\x01\x00\x04MQTT\x04\x02\x00\x00\x00\xc8" + strings.Repeat("c", 200),
		},
	}
	for _, tt := range tests {
		got := string(tt.login.AppendTo([]byte("before")))
		if got != "before"+tt.want {
			t.Errorf("%+v: got %q, want %q", tt.login, got, tt.want)
		}
		if p := Split([]byte(tt.want)); p.State != Done || p.Size != len(tt.want) {
			t.Errorf("%q is %+v", tt.want, p)
		}
	}
}
