package stream_test

import (
	"testing"

	"weir/stream"
)

func TestParseIP(t *testing.T) {
	tests := []struct{ text, want string }{
		{"1.2.3.4", "1.2.3.4"},
		{"010.001.0.9", "10.1.0.9"},
		{"1..2.3", "1.0.2.3"},
		{"...", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"1.2.3.256", ""},
		{"1.2.3", ""},
		{"1.2.3.4.5", ""},
		{"1.2.3.4 ", ""},
		{"", ""},
		{"2001:db8::1", "2001:db8::1"},
		{"::ffff:1.2.3.4", "::ffff:1.2.3.4"},
		{"fe80::1%eth0", ""},
		{"unix:", ""},
		{"a:b:c", ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got := stream.ParseIP(tt.text)
			if tt.want == "" && got.IsValid() || tt.want != "" && got.String() != tt.want {
				t.Errorf("got %v, want %q", got, tt.want)
			}
		})
	}
}
