package stream_test

import (
	"net/netip"
	"testing"

	"weir/stream"
)

func TestBound(t *testing.T) {
	ip := func(text string) stream.Addr { return stream.Addr{IP: netip.MustParseAddrPort(text)} }
	config := stream.NewConfig()
	for _, a := range []stream.Addr{
		ip("0.0.0.0:1"), ip("127.0.0.1:1"), ip("127.0.0.1:2"), ip("[::]:3"), ip("[::1]:4"), stream.UnixAddr("/a"),
	} {
		config.Listens = append(config.Listens, &stream.Listen{Addr: a})
	}
	tests := []struct{ name, addr, want string }{
		{"an address", "127.0.0.1:2", "127.0.0.1:2"},
		{"an address before a wildcard", "127.0.0.1:1", "127.0.0.1:1"},
		{"a wildcard", "127.0.0.2:1", "0.0.0.0:1"},
		{"a wildcard for any", "0.0.0.0:1", "0.0.0.0:1"},
		{"a wildcard of IPv6", "[::1]:3", "[::]:3"},
		{"an address of IPv6", "[::1]:4", "[::1]:4"},
		{"another address", "127.0.0.2:2", ""},
		{"another port", "127.0.0.1:5", ""},
		{"another family", "[::1]:1", ""},
		{"another family of a wildcard", "127.0.0.1:3", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { checkBound(t, config, ip(tt.addr), tt.want) })
	}
	t.Run("a unix socket", func(t *testing.T) { checkBound(t, config, stream.UnixAddr("/a"), "unix:/a") })
	t.Run("another unix socket", func(t *testing.T) { checkBound(t, config, stream.UnixAddr("/b"), "") })
}

func checkBound(t *testing.T, config *stream.Config, a stream.Addr, want string) {
	t.Helper()
	got := ""
	if l := config.Bound(a); l != nil {
		got = l.Addr.String()
	}
	if got != want {
		t.Errorf("got %q for %s, want %q", got, a, want)
	}
}
