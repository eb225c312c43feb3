package conf

import "testing"

// TestParseCIDR has cases that were checked against nginx -t, except for the networks, which nginx
// does not print.
func TestParseCIDR(t *testing.T) {
	const refused = ""
	tests := []struct{ text, want string }{
		{"192.0.2.1", "192.0.2.1/32"},
		{"192.0.2.0/24", "192.0.2.0/24"},
		{"192.0.2.1/0", "192.0.2.1/0"},
		{"1.2..3", "1.2.0.3/32"},
		{"01.2.3.004/8", "1.2.3.4/8"},
		{"2001:db8::1", "2001:db8::1/128"},
		{"2001:db8::/32", "2001:db8::/32"},
		{"::/0", "::/0"},
		{"::ffff:192.0.2.0/120", "::ffff:192.0.2.0/120"},
		{"", refused},
		{"/8", refused},
		{"192.0.2.1/", refused},
		{"192.0.2.1/33", refused},
		{"192.0.2.1/+8", refused},
		{"192.0.2.1/8/8", refused},
		{"255.255.255.255", refused},
		{"127.1", refused},
		{"::/129", refused},
		{"fe80::1%lo", refused},
		{"[::1]", refused},
		{"localhost", refused},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			p, ok := parseCIDR(tt.text)
			got := refused
			if ok {
				got = p.String()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
