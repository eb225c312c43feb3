package conf

import (
	"errors"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"weir/internal/getaddrinfo"
	"weir/stream"
)

// FuzzValue checks that numbers, sizes, offsets and times are not negative, and that two forms of
// the same value agree.
func FuzzValue(f *testing.F) {
	for _, text := range []string{
		"0", "007", "64k", "2M", "3g", "", "k", "-1", "1.5m", "9223372036854775807", "9223372036854775808", "8589934592g",
		"30", "500ms", "1h30m", "1y6M", "1m 30s", "30s 1", "1s500ms", "1m1h", "106751991167d", "5 ",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, isNumber := ParseNumber(text)
		size, isSize := ParseSize(text)
		offset, isOffset := ParseOffset(text)
		sec, isSec := ParseSec(text)
		msec, isMsec := ParseMsec(text)
		if isNumber && (n < 0 || !isSize || size != n) {
			t.Errorf("%q is the number %d and the size %d, %v", text, n, size, isSize)
		}
		if isSize && (size < 0 || !isOffset || offset != size) {
			t.Errorf("%q is the size %d and the offset %d, %v", text, size, offset, isOffset)
		}
		if isOffset && offset < 0 || isSec && sec < 0 || isMsec && msec < 0 {
			t.Errorf("%q is the offset %d, the times %v and %v", text, offset, sec, msec)
		}
		if isNumber && n <= int64(math.MaxInt64/time.Second) && (sec != time.Duration(n)*time.Second || !isSec || msec != sec) {
			t.Errorf("%q is the number %d, and the times %v and %v", text, n, sec, msec)
		}
	})
}

// FuzzAddress checks that ports are within their bounds, and that the text of a resolved address
// parses to the same address.
func FuzzAddress(f *testing.F) {
	for _, row := range addressRows {
		f.Add(row.text)
	}
	for _, text := range []string{"0x7f.1:80", "1883:80", "010.1:80", "1_0:80", "[::ffff:192.0.2.1]:80"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, parse := range []func(string) (Address, error){ParseUpstream, ParseListen} {
			a, err := parse(text)
			if err != nil {
				continue
			}
			checkBounds(t, text, a)
			if a.IsUnix || a.NoPort || a.PortEnd-a.Port > 3 {
				continue
			}
			addrs, err := a.Resolve(noNames)
			for _, resolved := range addrs {
				checkAgain(t, parse, resolved)
			}
			if a.IP.IsValid() && err != nil {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}

func checkBounds(t *testing.T, text string, a Address) {
	t.Helper()
	switch {
	case a.IsUnix:
		if a.Host == "" || len(a.Host) > maxUnixPath || !strings.HasSuffix(text, a.Host) {
			t.Errorf("%q is a socket at %q", text, a.Host)
		}
	case a.NoPort && (a.Port != 0 || a.PortEnd != 0), !a.NoPort && (a.Port < 1 || a.PortEnd < a.Port || a.PortEnd > maxPort):
		t.Errorf("%q has ports from %d to %d", text, a.Port, a.PortEnd)
	}
	if a.Wildcard && !a.IP.IsUnspecified() {
		t.Errorf("%q means any address, and %v", text, a.IP)
	}
}

// checkAgain resolves the parsed address too, because 255.255.255.255 is a name to nginx's own
// parser.
func checkAgain(t *testing.T, parse func(string) (Address, error), addr stream.Addr) {
	t.Helper()
	again, err := parse(addr.String())
	if err != nil {
		t.Fatalf("%v: %v", addr, err)
	}
	if got, err := again.Resolve(noNames); err != nil || !slices.Equal(got, []stream.Addr{addr}) {
		t.Errorf("%v is read as %v, %v", addr, got, err)
	}
}

// noNames is a lookup that finds no names, only numeric addresses.
func noNames(name string) ([]netip.Addr, error) {
	if ip, ok := getaddrinfo.Numeric(name); ok {
		return []netip.Addr{ip}, nil
	}
	return nil, errors.New("no such host")
}
