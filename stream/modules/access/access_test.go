package access

import (
	"net/netip"
	"strings"
	"testing"

	"weir/stream"
	"weir/stream/offline"
)

// rules parses "deny 192.0.2.1; allow all".
func rules(text string) (all []Rule) {
	for one := range strings.SplitSeq(text, "; ") {
		verb, what, ok := strings.Cut(one, " ")
		if !ok {
			continue
		}
		r := Rule{Deny: verb == "deny", All: what == "all", Unix: what == "unix:"}
		if !r.All && !r.Unix {
			r.Network = netip.MustParsePrefix(what)
		}
		all = append(all, r)
	}
	return all
}

func addr(text string) stream.Addr {
	if strings.HasPrefix(text, "unix:") {
		return stream.UnixAddr("")
	}
	return stream.Addr{IP: netip.AddrPortFrom(netip.MustParseAddr(text), 1000)}
}

func TestHandle(t *testing.T) {
	const (
		next      = stream.Next
		allowed   = stream.Done
		forbidden = stream.Verdict(stream.StatusForbidden)
	)
	documented := "deny 192.168.1.1/32; allow 192.168.1.0/24; allow 10.1.0.0/16; allow 2001:db8::/32; deny all"
	tests := []struct {
		name, rules, client string
		want                stream.Verdict
	}{
		{"the example's exception", documented, "192.168.1.1", forbidden},
		{"the example's first network", documented, "192.168.1.2", allowed},
		{"the example's second network", documented, "10.1.255.255", allowed},
		{"the example's IPv6 network", documented, "2001:db8:ffff::1", allowed},
		{"the example's others", documented, "192.168.2.1", forbidden},
		{"the example's others on IPv6", documented, "2001:db9::1", forbidden},
		{"the example's others on unix sockets", documented, "unix:", forbidden},
		{"no rules", "", "192.0.2.1", next},
		{"no rule for the client", "allow 192.0.2.2/32", "192.0.2.1", next},
		{"the first rule decides", "allow all; deny all", "192.0.2.1", allowed},
		{"the first rule decides for unix sockets", "deny unix:; allow all", "unix:", forbidden},
		{"unix sockets alone", "deny unix:", "192.0.2.1", next},
		{"a network is nothing to unix sockets", "deny 0.0.0.0/0; deny ::/0", "unix:", next},
		{"a mapped address under rules for IPv4", "deny 192.0.2.0/24; allow all", "::ffff:192.0.2.1", forbidden},
		{"a mapped address under rules for both", "allow ::/0; deny 192.0.2.0/24", "::ffff:192.0.2.1", forbidden},
		{"a mapped address under rules for IPv6", "deny ::ffff:192.0.2.0/120", "::ffff:192.0.2.1", forbidden},
		{"a mapped network is nothing to IPv4", "deny ::ffff:192.0.2.0/120", "192.0.2.1", next},
		{"IPv4 is nothing to IPv6", "deny 0.0.0.0/0", "2001:db8::1", next},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := offline.NewSession(t, &stream.Listen{Default: &stream.Server{}})
			s.Client.Addr = addr(tt.client)
			got, err := New(rules(tt.rules)).Handle(s.Session)
			if got != tt.want || err != nil {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
			logged := strings.Join(s.Lines.All(), "")
			if want := got == forbidden; strings.Contains(logged, "access forbidden by rule") != want {
				t.Errorf("logged %q", logged)
			}
		})
	}
}

func TestForbiddenEndsTheSession(t *testing.T) {
	srv := &stream.Server{}
	srv.Handlers[stream.Access] = []stream.Handler{New(rules("deny all"))}
	s := offline.NewSession(t, &stream.Listen{Default: srv})
	offline.Script(t, s, "accepted -> finish")
	if s.Status != stream.StatusForbidden {
		t.Errorf("got status %d", s.Status)
	}
}

func TestHandleAllocatesNothing(t *testing.T) {
	h := New(rules("deny 192.168.1.1/32; allow 192.0.2.0/24"))
	s := offline.NewSession(t, &stream.Listen{Default: &stream.Server{}})
	if n := testing.AllocsPerRun(100, func() { h.Handle(s.Session) }); n != 0 {
		t.Errorf("got %v allocations", n)
	}
}
