package healthcheck

import (
	"net/netip"
	"syscall"
	"testing"

	"weir/stream"
)

// TestConnectFailed checks which failed connections count against the server, and their lines in the log.
func TestConnectFailed(t *testing.T) {
	const while = " while connecting to upstream"
	at := stream.Addr{IP: netip.MustParseAddrPort("127.0.0.1:1883")}
	tests := []struct {
		err    syscall.Errno
		isCall bool
		to     stream.Addr
		want   string
	}{
		{syscall.ECONNREFUSED, false, at, "failed [error] connect() failed (111: Connection refused)"},
		{syscall.ETIMEDOUT, false, at, "failed [error] connect() failed (110: Connection timed out)"},
		{syscall.ENETUNREACH, true, at, "failed [error] connect() to 127.0.0.1:1883 failed (101: Network is unreachable)"},
		{syscall.EADDRNOTAVAIL, true, at, "skipped [alert] connect() to 127.0.0.1:1883 failed (99: Cannot assign requested address)"},
		{syscall.EACCES, true, at, "skipped [crit] connect() to 127.0.0.1:1883 failed (13: Permission denied)"},
		{syscall.ENOENT, true, stream.UnixAddr("/b"), "failed [crit] connect() to unix:/b failed (2: No such file or directory)"},
		{syscall.EAGAIN, true, stream.UnixAddr("/b"), "failed [error] connect() to unix:/b failed (11: Resource temporarily unavailable)"},
	}
	for _, tt := range tests {
		x := newExchange(&Check{}, tt.to)
		if got := describe(x.connectFailed(tt.err, tt.isCall)); got != tt.want+while {
			t.Errorf("got  %s\nwant %s", got, tt.want+while)
		}
	}
}
