package geoip2

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"weir/stream"
	"weir/stream/offline"
)

// start is the time at which the tests begin.
var start = time.Unix(1_900_000_000, 0)

// fixtureDir contains the databases, which the conformance scripts also use.
const fixtureDir = "../../../conformance/testdata/geoip2"

// fixture returns the content of a database.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(fixtureDir, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// write writes a fixture to a new directory.
func write(t testing.TB, name string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), name)
	replace(t, path, fixture(t, name), start)
	return path
}

// replace replaces a file with content and sets its modification time.
func replace(t testing.TB, path string, content []byte, changed time.Time) {
	t.Helper()
	next := path + ".new"
	if err := os.WriteFile(next, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(next, changed, changed); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string) *Database {
	t.Helper()
	d, err := New(path, os.ReadFile, start)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// session returns a session of a client at that address; empty means a unix socket.
func session(t testing.TB, ip string) *stream.Session {
	t.Helper()
	s := offline.NewSession(t, &stream.Listen{Config: stream.NewConfig(), Default: &stream.Server{}})
	s.Client.Addr = stream.UnixAddr("")
	if ip != "" {
		s.Client.Addr = stream.Addr{IP: netip.AddrPortFrom(netip.MustParseAddr(ip), 1)}
	}
	return s.Session
}

func TestValues(t *testing.T) {
	const missing = "(none)"
	tests := []struct{ file, ip, path, want string }{
		{"kinds.mmdb", "127.0.0.1", "boolean", "1"},
		{"kinds.mmdb", "127.0.0.1", "no", "0"},
		{"kinds.mmdb", "127.0.0.1", "bytes", "a\x00b"},
		{"kinds.mmdb", "127.0.0.1", "double", "-42.12346"},
		{"kinds.mmdb", "127.0.0.1", "float", "1.10000"},
		{"kinds.mmdb", "127.0.0.1", "int32", "-268435456"},
		{"kinds.mmdb", "127.0.0.1", "uint16", "100"},
		{"kinds.mmdb", "127.0.0.1", "uint32", "268435456"},
		{"kinds.mmdb", "127.0.0.1", "uint64", "1152921504606846976"},
		{"kinds.mmdb", "127.0.0.1", "uint128", "0x01000000000000000000000000000000"},
		{"kinds.mmdb", "127.0.0.1", "empty", ""},
		{"kinds.mmdb", "127.0.0.1", "map mapX utf8_stringX", "hello"},
		{"kinds.mmdb", "127.0.0.1", "array 0", "first"},
		{"kinds.mmdb", "127.0.0.1", "array -1", "last"},
		{"kinds.mmdb", "127.0.0.1", "array -3", missing},
		{"kinds.mmdb", "127.0.0.1", "array 2", missing},
		{"kinds.mmdb", "127.0.0.1", "array x", missing},
		{"kinds.mmdb", "127.0.0.1", "array", missing},
		{"kinds.mmdb", "127.0.0.1", "map", missing},
		{"kinds.mmdb", "127.0.0.1", "map mapY", missing},
		{"kinds.mmdb", "127.0.0.1", "uint16 0", missing},
		{"kinds.mmdb", "127.0.0.1", "", missing},
		{"kinds.mmdb", "10.0.0.1", "uint16", missing},
		{"kinds.mmdb", "", "uint16", missing},
		{"kinds.mmdb", "::ffff:127.0.0.1", "uint16", "100"},
		{"places.mmdb", "2001:db8::1", "country names en", "Curaçao"},
		{"four.mmdb", "127.0.0.1", "country iso_code", "DE"},
		{"four.mmdb", "2001:db8::1", "country iso_code", missing},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.ip+" "+tt.path, func(t *testing.T) {
			v := &Value{Database: open(t, write(t, tt.file)), Path: strings.Fields(tt.path)}
			s := session(t, tt.ip)
			want, wantFound := tt.want, tt.want != missing
			if !wantFound {
				want = ""
			}
			if got, found := v.Get(s); got != want || found != wantFound {
				t.Errorf("got %q, %v, want %q", got, found, tt.want)
			}
			v.Default = "default"
			if !wantFound {
				want = "default"
			}
			if got, found := v.Get(s); got != want || !found {
				t.Errorf("with a default: got %q, %v, want %q", got, found, want)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	dir := t.TempDir()
	empty, spoilt := filepath.Join(dir, "empty"), filepath.Join(dir, "spoilt")
	replace(t, empty, nil, start)
	replace(t, spoilt, []byte("spoilt"), start)
	for path, want := range map[string]error{filepath.Join(dir, "none"): ErrOpen, empty: ErrRead, dir: ErrRead, spoilt: ErrFormat} {
		if _, err := New(path, os.ReadFile, start); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", path, err, want)
		}
	}
}

// TestCheck checks that a newer file is read, and that a failure leaves the database unchanged.
func TestCheck(t *testing.T) {
	path := write(t, "places.mmdb")
	d := open(t, path)
	now := start
	env, logged := offline.NewEnv(func() time.Time { return now })
	if err := d.Open(t.Context(), env, nil); err != nil {
		t.Fatal(err)
	}
	code := &Value{Database: d, Path: []string{"country", "iso_code"}}
	s := session(t, "127.0.0.1")
	steps := []struct {
		name    string
		change  func()
		code    string
		changed string // $last_change minus 1900000000
		line    string
	}{
		{"as it was", func() {}, "DE", "0", ""},
		{"as old as it was", func() { replace(t, path, fixture(t, "later.mmdb"), start) }, "DE", "0", ""},
		{"younger", func() { replace(t, path, fixture(t, "later.mmdb"), start.Add(5*time.Second)) }, "CW", "5", `[info] Reload MMDB "` + path + `"`},
		{
			"spoilt", func() { replace(t, path, []byte("spoilt"), start.Add(9*time.Second)) }, "CW", "5",
			`[error] MMDB_open("` + path + `") failed to reload - The MaxMind DB file contains invalid metadata`,
		},
		{"gone", func() { os.Remove(path) }, "CW", "5", `[emerg] stat() "` + path + `" failed (2: No such file or directory)`},
	}
	for _, step := range steps {
		step.change()
		before := len(logged.All())
		now = now.Add(time.Second)
		d.check()
		if got, _ := code.Get(s); got != step.code {
			t.Errorf("%s: got %q, want %q", step.name, got, step.code)
		}
		if got, _ := Metadata(d, "last_change")(s); got != "190000000"+step.changed {
			t.Errorf("%s: last_change is %s, want 190000000%s", step.name, got, step.changed)
		}
		if got := strings.Join(logged.All()[before:], "\n"); got != step.line {
			t.Errorf("%s: logged %q, want %q", step.name, got, step.line)
		}
	}
	if got, _ := Metadata(d, "last_check")(s); got != "1900000005" {
		t.Errorf("last_check is %s", got)
	}
}

// TestOpenShares checks that two configurations share one copy of an unchanged file.
func TestOpenShares(t *testing.T) {
	path := write(t, "places.mmdb")
	old, next, later := open(t, path), open(t, path), (*Database)(nil)
	if err := next.Open(t.Context(), &stream.Env{}, old); err != nil {
		t.Fatal(err)
	}
	if next.current.Load() != old.current.Load() {
		t.Error("the file is held twice")
	}
	replace(t, path, fixture(t, "later.mmdb"), start.Add(time.Second))
	later = open(t, path)
	if err := later.Open(t.Context(), &stream.Env{}, next); err != nil {
		t.Fatal(err)
	}
	if later.current.Load() == old.current.Load() {
		t.Error("the file of before is served")
	}
}

// FuzzFind looks up an address in an arbitrary file.
func FuzzFind(f *testing.F) {
	for _, name := range []string{"places.mmdb", "later.mmdb", "four.mmdb", "kinds.mmdb"} {
		content := fixture(f, name)
		f.Add(content, []byte{127, 0, 0, 1}, "map mapX utf8_stringX")
		f.Add(content, []byte{127, 0, 0, 1}, "subdivisions -1 iso_code")
	}
	f.Fuzz(func(t *testing.T, content, address []byte, path string) {
		file, err := parseFile(content)
		if err != nil {
			return
		}
		if ip, ok := netip.AddrFromSlice(address); ok {
			file.find(ip, strings.Fields(path))
		}
	})
}
