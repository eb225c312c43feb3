package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkLoad lets weir and nginx alternately test a file of 100,000 directives, and reports the ratio
// of weir's time to nginx's. It should stay below 3.
func BenchmarkLoad(b *testing.B) {
	if _, err := os.Stat(nginx); err != nil {
		b.Skip("MISSING: nginx: ", err)
	}
	dir := b.TempDir()
	conf := filepath.Join(dir, "nginx.conf")
	text := "error_log " + dir + "/error.log;\npid " + dir + "/nginx.pid;\nevents {}\nstream {\nupstream u {\n" +
		strings.Repeat("  server 127.0.0.1:1883 weight=2 max_fails=2 fail_timeout=5s;\n", 100_000) + "}\n}\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
	var ours, theirs time.Duration
	for b.Loop() {
		ours += stopwatch(b, binary, "-t", "-q", "-c", conf)
		theirs += stopwatch(b, nginx, "-t", "-q", "-c", conf, "-g", "load_module "+nginxStream+";")
	}
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "weir/nginx")
}

func stopwatch(b *testing.B, name string, args ...string) time.Duration {
	b.Helper()
	start := time.Now()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		b.Fatalf("%s: %v\n%s", name, err, out)
	}
	return time.Since(start)
}
