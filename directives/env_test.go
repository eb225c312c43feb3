package directives

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/directives/conf"
	"weir/parser"
)

// compileIn returns the Program of a configuration and its diagnostics, one a line.
func compileIn(env *conf.Env, text string) (*Program, string) {
	p, found := Load(parser.Source{Path: "/p/nginx.conf", Text: []byte(text)}, env)
	var lines []string
	for _, d := range found {
		lines = append(lines, d.Severity.String()+": "+d.Error())
	}
	return p, strings.Join(lines, "\n")
}

// TestUserAsksTheEnv compiles the user directive on machines of every kind.
func TestUserAsksTheEnv(t *testing.T) {
	known := testEnv().UserID
	withoutList := func(string) (int, error) { return 0, fs.ErrNotExist }
	tests := []struct {
		name, text string
		root       bool
		userID     func(string) (int, error)
		want       string
	}{
		{"root", "user root;", true, known, ""},
		{"another user", "user mqtt root;", true, known,
			""},
		{"unknown user", "user none;", true, known, `emerg: getpwnam("none") failed in /p/nginx.conf:1`},
		{"unknown group", "user root none;", true, known, `emerg: getgrnam("none") failed in /p/nginx.conf:1`},
		{"no list of users", "user mqtt;", true, withoutList,
			`warn: no user database, "user" is ignored and weir continues as root in /p/nginx.conf:1`},
		{"not as root", "user none;", false, known,
			`warn: the "user" directive makes sense only if the master process runs with super-user privileges, ignored in /p/nginx.conf:1`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			env := testEnv()
			env.Root, env.UserID = tt.root, tt.userID
			if _, got := compileIn(env, tt.text+" events {}"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestHostnameOfTheEnv(t *testing.T) {
	p, said := compileIn(testEnv(), "events {} stream { server { listen 1; server_name $hostname; return a; } }")
	if said != "" {
		t.Fatal(said)
	}
	if got := p.Stream.Listens[0].Default.Settings.Name; got != "edge-1" {
		t.Errorf("server_name is %q, want edge-1", got)
	}
}

// TestDatabasesAreReadThroughTheEnv checks that no directive opens a file by itself.
func TestDatabasesAreReadThroughTheEnv(t *testing.T) {
	const text = "events {} stream { geoip_country c.dat; geoip_city t.dat; geoip_org o.dat; geoip2 m.mmdb {} }"
	env := testEnv()
	var asked []string
	env.ReadFile = func(name string) ([]byte, error) {
		asked = append(asked, name)
		return nil, fs.ErrPermission
	}
	_, said := compileIn(env, text)
	if want := []string{"c.dat", "t.dat", "o.dat", "/p/m.mmdb"}; !slices.Equal(asked, want) {
		t.Errorf("read %q, want %q", asked, want)
	}
	if n := strings.Count(said, "emerg: "); n != len(asked) {
		t.Errorf("got %d errors, want %d:\n%s", n, len(asked), said)
	}
}

// TestMachineReadFile checks that a device has no content, and that a directory cannot be read.
func TestMachineReadFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := MachineEnv(t.Context()).ReadFile
	if got, err := read(path); string(got) != "content" || err != nil {
		t.Errorf("a file: got %q, %v", got, err)
	}
	if got, err := read("/dev/zero"); len(got) > 0 || err != nil {
		t.Errorf("a device: got %d bytes, %v", len(got), err)
	}
	if _, err := read(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: got %v", err)
	}
	var failed *fs.PathError
	if _, err := read(dir); !errors.As(err, &failed) || failed.Op != "read" {
		t.Errorf("a directory: got %v", err)
	}
}

func TestMachineUsers(t *testing.T) {
	env := MachineEnv(t.Context())
	if id, err := env.UserID("root"); id != 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("root: got %d, %v", id, err)
	}
	if _, err := env.UserID("no-such-user-at-all"); err == nil {
		t.Error("an unknown user was found")
	}
	if env.GroupExists("no-such-group-at-all") {
		t.Error("an unknown group exists")
	}
}
