package ascii

import "testing"

func TestToLower(t *testing.T) {
	for text, want := range map[string]string{"": "", "abc": "abc", "MQTT-1.Example": "mqtt-1.example", "@[\x80Ä\u212a": "@[\x80Ä\u212a"} {
		if got := ToLower(text); got != want {
			t.Errorf("ToLower(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestToLowerAllocatesNothing(t *testing.T) {
	const text = "a name in lower case that is longer than what the stack has room for"
	if n := testing.AllocsPerRun(100, func() { ToLower(text) }); n > 0 {
		t.Errorf("got %.0f allocations", n)
	}
}

func TestUpper(t *testing.T) {
	for c := range 256 {
		want := byte(c)
		if 'a' <= c && c <= 'z' {
			want -= 'a' - 'A'
		}
		if got := Upper(byte(c)); got != want {
			t.Errorf("Upper(%#x) = %#x, want %#x", c, got, want)
		}
	}
}

func TestEqualFold(t *testing.T) {
	tests := []struct {
		name, a, b string
		want       bool
	}{
		{"case", "On", "oN", true},
		{"length", "on", "one", false},
		{"ASCII only", "\u212a", "k", false},
		{"letters and brackets", "[", "{", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := EqualFold(tt.a, tt.b); got != tt.want {
				t.Errorf("EqualFold(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
			}
		})
	}
}
