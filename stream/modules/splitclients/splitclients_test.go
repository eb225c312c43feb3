package splitclients

import (
	"testing"

	"weir/stream"
	"weir/stream/offline"
)

// TestMurmur checks values of MurmurHash2 with seed 0, for each number of bytes after the last
// four-byte word.
func TestMurmur(t *testing.T) {
	tests := []struct {
		text string
		want uint32
	}{
		{"", 0},
		{"a", 2456313694},
		{"ab", 446775395},
		{"abc", 324500635},
		{"abcd", 646393889},
		{"abcdefgh", 69371878},
		{"127.0.0.1AAA", 3053215307},
		{"mqttx_client1", 2910757080},
	}
	for _, tt := range tests {
		if got := murmur(tt.text); got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.text, got, tt.want)
		}
	}
}

func TestParsePercent(t *testing.T) {
	tests := []struct {
		text string
		want uint32
		ok   bool
	}{
		{"0.5%", 50, true},
		{"2%", 200, true},
		{"2.%", 200, true},
		{".25%", 25, true},
		{"100%", 10000, true},
		{"42949672.97%", 1, true},
		{"42949672.96%", 0, true},
		{"0%", 0, false},
		{"0.00%", 0, false},
		{"%", 0, false},
		{".%", 0, false},
		{"1", 0, false},
		{"1.125%", 0, false},
		{"1..%", 0, false},
		{"-1%", 0, false},
		{"1 %", 0, false},
		{"9223372036854775807%", 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			got, ok := parsePercent(tt.text)
			if ok != tt.ok || ok && got != tt.want {
				t.Errorf("got %d, %v, want %d, %v", got, ok, tt.want, tt.ok)
			}
		})
	}
}

// The documentation gives the limits of 0.5% and 2%: 21474836 and 107374181. A part that completes
// 100% ends with the last hash.
func TestLimits(t *testing.T) {
	for _, percents := range [][]string{{"0.5%", "2.0%", "*"}, {"0.5%", "2.0%", "97.5%"}} {
		s := New(stream.Template{})
		for _, percent := range percents {
			if err := s.Add(percent, percent); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Finish(); err != nil {
			t.Fatal(err)
		}
		for i, want := range []uint32{21474836, 107374181, 0} {
			if got := s.parts[i].limit; got != want {
				t.Errorf("%q: part %d: got limit %d, want %d", percents, i, got, want)
			}
		}
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	config := stream.NewConfig()
	source, err := stream.ParseTemplate("$protocol", config.Vars)
	if err != nil {
		t.Fatal(err)
	}
	config.Vars.Resolve()
	s := New(source)
	if err := s.Add("*", "all"); err != nil {
		t.Fatal(err)
	}
	session := offline.NewSession(t, &stream.Listen{Config: config, Default: &stream.Server{}})
	s.Get(session.Session)
	if n := testing.AllocsPerRun(100, func() { s.Get(session.Session) }); n > 0 {
		t.Errorf("got %.0f allocations", n)
	}
}
