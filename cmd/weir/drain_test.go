package main

import (
	"fmt"
	"strings"
	"testing"

	"weir/runtime"
)

func TestParseDrain(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"u a:1", "u a:1 0 false  "},
		{"-c nginx.conf u a:1 --wait", "u a:1 0 true nginx.conf "},
		{"--rate 5 u -cnginx.conf -p dir a:1", "u a:1 5 false nginx.conf dir"},
		{"u a:1 --rate=200/s", "u a:1 200 false  "},
		{"u", "a group and a server are required"},
		{"u a b", "a group and a server are required"},
		{"u a --rate 0", `invalid rate "0"`},
		{"u a --rate x", `invalid rate "x"`},
		{"u a --rate 1000001", `invalid rate "1000001"`},
		{"u a --rate", `invalid option: "--rate"`},
		{"u a -t", `invalid option: "-t"`},
		{"u a -", `invalid option: "-"`},
		{"u a -c", `option "-c" requires file name`},
	} {
		o, d, err := parseDrain(strings.Fields(c.line))
		got := fmt.Sprint(d.Upstream, " ", d.Server, " ", d.Rate, " ", d.Wait, " ", o.Conf, " ", o.Prefix)
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", c.line, got, c.want)
		}
	}
}

// TestDrainUsage checks the answer to a wrong command line.
func TestDrainUsage(t *testing.T) {
	var err strings.Builder
	code := run([]string{"weir", "drain", "u"}, runtime.Stdio{Out: &err, Err: &err})
	if code != 1 || !strings.HasPrefix(err.String(), "weir drain: a group and a server are required\nUsage: weir drain [") {
		t.Errorf("got %d, %q", code, err.String())
	}
}
