// Package installed finds the programs that tests run beside weir.
package installed

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"weir/conformance/nginx"
)

// Missing skips the test because this machine lacks something. With CI=true the test fails.
func Missing(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip("SKIPPED: " + why)
}

// Program returns the path of a program of a Debian package. If there is none, it calls Missing.
func Program(t testing.TB, name, debian string) string {
	t.Helper()
	for _, file := range []string{name, filepath.Join("/usr/sbin", name)} { // where Debian installs servers
		if path, err := exec.LookPath(file); err == nil {
			return path
		}
	}
	Missing(t, name+" is not installed: apt-get install "+debian)
	return ""
}

// Nginx returns the nginx to compare with, at nginx.Path. If there is none, it calls Missing.
func Nginx(t testing.TB) *nginx.Build {
	t.Helper()
	b, err := nginx.About(nginx.Path())
	if err != nil {
		Missing(t, err.Error()+" (scripts/install-test-deps)")
	}
	return b
}

// Module skips the test if nginx lacks the module. If a Debian package has the module, it calls Missing.
func Module(t testing.TB, b *nginx.Build, name string) {
	t.Helper()
	switch {
	case b.Has(name):
	case b.CanLoad() && name != nginx.MQTTPreread:
		Missing(t, b.Name()+" has no "+name+" (scripts/install-test-deps)")
	default:
		t.Skipf("%s is without %s", b.Name(), name)
	}
}
