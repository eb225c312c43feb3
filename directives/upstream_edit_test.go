package directives

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/parser"
	"weir/stream/offline"
	"weir/stream/upstream"
)

// TestParseServer checks the values of requests and their errors.
func TestParseServer(t *testing.T) {
	tests := []struct {
		name   string
		values upstream.Values
		want   string
	}{
		{"nothing", upstream.Values{}, ""},
		{"address", upstream.Values{Server: new("127.0.0.1:8001")}, "127.0.0.1:8001 as 127.0.0.1:8001"},
		{"IPv6 address", upstream.Values{Server: new("[::1]:1883")}, "[::1]:1883 as [::1]:1883"},
		{"unix socket", upstream.Values{Server: new("unix:/run/b")}, "unix:/run/b as unix:/run/b"},
		{"name", upstream.Values{Server: new("b.example:1883")}, "b.example:1883 as name b.example 1883"},
		{"no port", upstream.Values{Server: new("b.example")}, "b.example as name b.example 0"},
		{"wrong port", upstream.Values{Server: new("b.example:0")}, `400 UpstreamBadAddress "invalid port" while parsing`},
		{"no host", upstream.Values{Server: new("")}, `400 UpstreamBadAddress "no host" while parsing`},
		{"empty service", upstream.Values{Service: new("")}, `400 UpstreamBadService "service" is empty`},
		{"weight", upstream.Values{Weight: new("5")}, " weight=5"},
		{"no weight", upstream.Values{Weight: new("0")}, `400 UpstreamBadWeight invalid "weight"`},
		{"negative weight", upstream.Values{Weight: new("-1")}, `400 UpstreamBadWeight invalid "weight"`},
		{"huge weight", upstream.Values{Weight: new("2147483648")}, `400 UpstreamBadWeight invalid "weight"`},
		{"fraction", upstream.Values{MaxConns: new("1.5")}, `400 UpstreamBadMaxConns invalid "max_conns"`},
		{"no limit", upstream.Values{MaxConns: new("0"), MaxFails: new("0")}, " max_conns=0 max_fails=0"},
		{"word", upstream.Values{MaxFails: new("x")}, `400 UpstreamBadMaxFails invalid "max_fails"`},
		{"times", upstream.Values{FailTimeout: new("1m"), SlowStart: new("5")}, " fail_timeout=1m:1m0s slow_start=5:5s"},
		{"milliseconds of seconds", upstream.Values{FailTimeout: new("5ms")}, `400 UpstreamBadFailTimeout invalid "fail_timeout"`},
		{"milliseconds", upstream.Values{SlowStart: new("5ms")}, " slow_start=5ms:5ms"},
		{"no time", upstream.Values{SlowStart: new("")}, `400 UpstreamBadSlowStart invalid "slow_start"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, err := ParseServer(tt.values)
			got := describeChange(c)
			if refused, ok := errors.AsType[*upstream.EditError](err); ok {
				got = fmt.Sprintf("%d %s %s", refused.Status, refused.Code, refused.Text)
			} else if err != nil {
				t.Fatalf("got an error of another type: %v", err)
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func describeChange(c upstream.Change) (text string) {
	if t := c.Server; t != nil {
		text = t.Text + " as " + t.Addr.String()
		if t.IsName {
			text += fmt.Sprintf("name %s %d", t.Host, t.Port)
		}
	}
	for _, n := range []struct {
		name  string
		value *int
	}{{"weight", c.Weight}, {"max_conns", c.MaxConns}, {"max_fails", c.MaxFails}} {
		if n.value != nil {
			text += fmt.Sprintf(" %s=%d", n.name, *n.value)
		}
	}
	for _, s := range []struct {
		name  string
		value *upstream.Span
	}{{"fail_timeout", c.FailTimeout}, {"slow_start", c.SlowStart}} {
		if s.value != nil {
			text += fmt.Sprintf(" %s=%s:%s", s.name, s.value.Text, s.value.Length)
		}
	}
	return text
}

// loadState returns the group of a configuration with a state file in dir.
func loadState(t *testing.T, dir string) *upstream.Group {
	t.Helper()
	env := testEnv()
	env.Prefix = dir + "/"
	const conf = "events {} stream { resolver 127.0.0.1; upstream u { zone z 1m; state u.state; } server { listen 1; proxy_pass u; } }"
	p, found := Load(parser.Source{Path: dir + "/nginx.conf", Text: []byte(conf)}, env)
	if p == nil {
		t.Fatal(found)
	}
	for _, part := range p.Stream.Parts {
		if g, ok := part.(*upstream.Group); ok {
			env, _ := offline.NewEnv(time.Now)
			if err := g.Open(t.Context(), env, nil); err != nil {
				t.Fatal(err)
			}
			return g
		}
	}
	t.Fatal("there is no group")
	return nil
}

// TestStateIsReadAgain checks that the servers of a state file are the same after it has been read, also
// those with unusual characters.
func TestStateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	g := loadState(t, dir)
	for _, v := range []upstream.Values{
		{Server: new("127.0.0.1:8001"), Weight: new("3"), Down: new(true)},
		{Server: new("[::1]:1883"), MaxConns: new("9"), MaxFails: new("2"), FailTimeout: new("1m"), SlowStart: new("5s"), Backup: new(true)},
		{Server: new("unix:/run/a broker's \"socket\"; $x \\ {#}")},
		{Server: new("b.example:1883"), Weight: new("2")},
		{Server: new("c.example"), Service: new("mqtt")},
	} {
		c, err := ParseServer(v)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Add(c); err != nil {
			t.Fatal(err)
		}
	}
	if !strings.Contains(fmt.Sprint(describeServers(g)), "broker's") {
		t.Errorf("got %q", describeServers(g))
	}
	want := describeServers(g)
	if got := describeServers(loadState(t, dir)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// describeServers returns the servers of the group without their IDs, sorted as a file names them:
// addresses first.
func describeServers(g *upstream.Group) string {
	var addresses, names string
	for _, s := range g.Servers() {
		s.ID = 0
		line := fmt.Sprintf("%+v\n", s)
		if target, err := parseTarget(s.Server); err != nil || target.IsName {
			names += line
			continue
		}
		addresses += line
	}
	return addresses + names
}

// FuzzStateFile checks that a state file is refused as a whole or gives a group whose servers can be
// written and read again.
func FuzzStateFile(f *testing.F) {
	for _, seed := range []string{
		"", "server 10.0.0.1:80;", "server 10.1.1.7:80 slow_start=10s backup down;", "server b.example:80 resolve;", "server a:1", "}", "{",
		"server unix:/x; # y", "server \"unix:/a b\" weight=2;", "include x;", "hash x;", "server 10.0.0.1:80 {}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		if manyPorts.MatchString(content) {
			t.Skip()
		}
		dir := t.TempDir()
		path := filepath.Join(dir, "u.state")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		env := testEnv()
		env.Prefix = dir + "/"
		const conf = "events {} stream { resolver 127.0.0.1; upstream u { zone z 1m; state u.state; } }"
		p, _ := Load(parser.Source{Path: dir + "/nginx.conf", Text: []byte(conf)}, env)
		if p == nil {
			return
		}
		g := loadState(t, dir)
		c, err := ParseServer(upstream.Values{Server: new("203.0.113.99:9")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Add(c); err != nil {
			t.Skip() // it has the address already
		}
		want := describeServers(g)
		if got := describeServers(loadState(t, dir)); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}
