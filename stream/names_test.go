package stream_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"weir/internal/hostname"
	"weir/stream"
	"weir/stream/offline"
)

// named returns an address whose servers have these names, one line for each server. The first is
// the default; "-" in it means no name. A server's Origin is its first name.
func named(t *testing.T, lines string) *stream.Listen {
	t.Helper()
	l := listener()
	l.Config, l.Names = stream.NewConfig(), &stream.ServerNames{}
	l.Default.Origin = "default"
	for line := range strings.Lines(strings.TrimSpace(lines)) {
		words := strings.Fields(line)
		server := &stream.Server{Origin: words[0]}
		for _, name := range words {
			if pattern, ok := strings.CutPrefix(name, "~"); ok {
				re, err := l.Config.Vars.Regex(pattern, false)
				if err != nil {
					t.Fatal(err)
				}
				l.Names.AddPattern(re, server)
				continue
			}
			if err := l.Names.Add(name, server); err != nil && !errors.Is(err, hostname.ErrTaken) {
				t.Fatal(err)
			}
		}
	}
	return l
}

func TestSelectServer(t *testing.T) {
	const site = `
		example.com
		*.example.com
		*.sub.example.com
		www.example.*
		www.*
		.both.org
		both.net .both.net
		~^re\d+$
		~^re
	`
	tests := []struct{ name, host, want string }{
		{"exact", "example.com", "example.com"},
		{"case", "EXAMPLE.Com", "example.com"},
		{"last dot", "example.com.", "example.com"},
		{"port", "example.com:443", "example.com"},
		{"wildcard at the beginning", "a.example.com", "*.example.com"},
		{"of more labels", "a.b.example.com", "*.example.com"},
		{"before one at the end", "www.example.com", "*.example.com"},
		{"the longest", "a.sub.example.com", "*.sub.example.com"},
		{"its own domain", "sub.example.com", "*.example.com"},
		{"an empty label", ".example.com", "*.example.com"},
		{"wildcard at the end", "www.example.org", "www.example.*"},
		{"the longest at the end", "www.example.co.uk", "www.example.*"},
		{"a shorter one", "www.test", "www.*"},
		{"nothing for the star", "www", "default"},
		{"no whole label", "wwww.test", "default"},
		{"domain itself", "both.org", ".both.org"},
		{"below the domain", "a.both.org", ".both.org"},
		{"domain taken", "both.net", "both.net"},
		{"below a domain that is taken", "a.both.net", "default"},
		{"first pattern", "re12", "~^re\\d+$"},
		{"second pattern", "rex", "~^re"},
		{"none", "nobody", "default"},
		{"empty", "", "default"},
		{"a dot", ".", "default"},
		{"two dots", "a..example.com", "default"},
		{"blank", "example.com ", "default"},
		{"slash", "example.com/", "default"},
		{"literal", "[::1]:80", "default"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := offline.NewSession(t, named(t, site))
			found := s.SelectServer(tt.host)
			if s.Server.Origin != tt.want || found != (tt.want != "default") {
				t.Errorf("got server %s, %v for %q, want %s", s.Server.Origin, found, tt.host, tt.want)
			}
		})
	}
}

// If the servers cannot be distinguished by name, the session keeps the first one.
func TestSelectServerWithoutNames(t *testing.T) {
	s := offline.NewSession(t, listener())
	if before := s.Server; s.SelectServer("a") || s.Server != before {
		t.Error("the server has changed")
	}
}

// A wildcard's inner address has its own server names.
func TestSelectServerOfInnerAddress(t *testing.T) {
	outer, inner := named(t, "outer"), named(t, "inner")
	outer.Inner = map[netip.Addr]*stream.Listen{netip.MustParseAddr("192.0.2.100"): inner}
	s := offline.NewSession(t, outer)
	if !s.SelectServer("inner") || s.SelectServer("outer") {
		t.Errorf("got server %s", s.Server.Origin)
	}
}

// The session keeps the captures of a pattern.
func TestSelectServerCaptures(t *testing.T) {
	l := named(t, `~^(www\.)?(?<domain>.+)$`)
	tpl, err := stream.ParseTemplate("$1|$2|$domain", l.Config.Vars)
	if err != nil {
		t.Fatal(err)
	}
	l.Config.Vars.Resolve()
	s := offline.NewSession(t, l)
	s.SelectServer("WWW.Example.Com")
	if got := tpl.Eval(s.Session); got != "www.|example.com|example.com" {
		t.Errorf("got %q", got)
	}
}
