//go:build linux

package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asCommand makes the test binary act as the command, so that tests run it from outside.
const asCommand = "BENCH_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// runBench runs the command and returns its standard output.
func runBench(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-short", "-system=false"}, args...)...)
	cmd.Env = append(os.Environ(), asCommand+"=1")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("bench %v: %v\n%s%s", args, err, out, stderr.String())
	}
	return string(out)
}

func TestCommandMeasuresTheBroker(t *testing.T) {
	file := filepath.Join(t.TempDir(), "r.json")
	out := runBench(t, "-subjects", "direct", "-bytes", "4000000", "-json", file)
	for _, test := range catalogue {
		if !strings.Contains(out, "| "+test.name+": ") {
			t.Errorf("the table has no row of %s:\n%s", test.name, out)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want := 0
	for _, test := range catalogue {
		if !test.needsTLS() {
			want++
		}
	}
	if len(got.Samples) != want {
		t.Errorf("got %d samples, want one of each of %d tests", len(got.Samples), want)
	}
}

// needs skips the test if one of these subjects is not installed.
func needs(t *testing.T, subjects ...string) {
	t.Helper()
	var left notes
	if _, err := findSubjects(t.Context(), subjects, t.TempDir(), &left); err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Skip(left)
	}
}

func TestCommandMeasuresInstalledPrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("starts each program five times")
	}
	for _, name := range []string{"nginx", "haproxy"} {
		t.Run(name, func(t *testing.T) {
			needs(t, name)
			out := runBench(t, "-subjects", name, "-tests", "storm", "-servers", "8", "-reloads", "1", "-idle-beside", "10", "-map-entries", "10")
			if !strings.Contains(out, "| storm: CPU µs per session | ") || strings.Contains(out, none) {
				t.Errorf("want a table with figures everywhere, got\n%s", out)
			}
		})
	}
}

func TestCommandMeasuresDatagrams(t *testing.T) {
	if testing.Short() {
		t.Skip("starts each program twice")
	}
	needs(t, "nginx", "haproxy")
	out := runBench(t, "-subjects", "nginx,haproxy,weir", "-tests", "udp,udppp")
	rows := 0
	for line := range strings.Lines(out) {
		cells := strings.Split(line, " | ")
		if len(cells) < 4 || !strings.HasPrefix(line, "| udp") {
			continue
		}
		rows++
		if cells[1] == none || cells[2] != none || cells[3] == none {
			t.Errorf("want figures of nginx and weir, and none of HAProxy, got %s", line)
		}
	}
	if rows != 8 {
		t.Errorf("got %d rows, want four of each test:\n%s", rows, out)
	}
}

func TestCommandMeasuresTables(t *testing.T) {
	if testing.Short() {
		t.Skip("starts each program six times, and Go's benchmarks")
	}
	needs(t, "nginx")
	out := runBench(t, "-tables")
	for _, f := range tableFigures {
		rows := 0
		for line := range strings.Lines(out) {
			cells := strings.Split(line, " | ")
			if cells[0] != "| "+f.title {
				continue
			}
			rows++
			if cells[2] == none || (cells[1] == none) != (f.key == "go_ns") {
				t.Errorf("want figures of nginx and weir, got %s", line)
			}
		}
		if rows == 0 {
			t.Errorf("got no row %q:\n%s", f.title, out)
		}
	}
}

func TestTablesAreDeterministic(t *testing.T) {
	for _, k := range tableKinds {
		t.Run(k.name, func(t *testing.T) {
			all := k.make(2000)
			if !slices.Equal(all, k.make(2000)) {
				t.Error("got other entries the second time")
			}
			seen := map[string]bool{}
			for _, e := range all {
				if seen[e.key] {
					t.Fatalf("got %s twice", e.key)
				}
				seen[e.key] = true
			}
			if first := k.ask(all)[0]; first.From != all[0].from || first.Answer != all[0].value {
				t.Errorf("got %+v as the first question, want one for %+v", first, all[0])
			}
		})
	}
}

func TestOptionsAreChecked(t *testing.T) {
	tests := []struct {
		name string
		args []string
		ok   bool
	}{
		{"none", nil, true},
		{"some", []string{"-tests", "pp,storm", "-subjects", "weir,nginx"}, true},
		{"unknown test", []string{"-tests", "hail"}, false},
		{"unknown subject", []string{"-subjects", "squid"}, false},
		{"no rounds", []string{"-rounds", "0"}, false},
		{"a document of a short run", []string{"-short", "-write", "x"}, false},
		{"too many servers", []string{"-servers", "1000000"}, false},
		{"an argument", []string{"storm"}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := parseOptions(tt.args, t.Output()); (err == nil) != tt.ok {
				t.Errorf("got %v, want success %v", err, tt.ok)
			}
		})
	}
}

func TestSelectionKeepsTheOrder(t *testing.T) {
	o, err := parseOptions([]string{"-tests", "pp,storm", "-subjects", "weir,nginx"}, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	if o.tests[0].name != "storm" || !slices.Equal(o.subjects, []string{"nginx", "weir"}) {
		t.Errorf("got %s first and subjects %v, want the catalogue's order", o.tests[0].name, o.subjects)
	}
}

func TestServersAreDistinct(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range servers(1000, 1883) {
		if !s.Addr().IsLoopback() || seen[s.String()] {
			t.Fatalf("%v: want a loopback address that was not given before", s)
		}
		seen[s.String()] = true
	}
}
