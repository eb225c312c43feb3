package examples_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"weir/conformance/installed"
)

// TestMonitoring scrapes the example, checks what it gets, and compares it with what the alerts and the
// dashboard ask for.
func TestMonitoring(t *testing.T) {
	brokers := startBrokers(t, brokerOptions{count: 3})
	e := example(t, "monitoring")
	e.listen("9113")
	url := "http://" + e.addr + "/metrics"
	e.brokers("1883", brokers)
	e.listen("1883")
	e.start()
	greet(t, e.dial(), "pump-17")
	text := ""
	e.await("checks of the brokers", func() bool {
		text = scrape(t, url)
		return strings.Contains(text, "nginxplus_stream_upstream_server_health_checks_checks")
	})
	promtool(t, text, "check", "metrics")
	promtool(t, "", "check", "rules", "monitoring/alerts.yml")
	promtool(t, "", "test", "rules", "monitoring/alerts_test.yml")
	promtool(t, "", "check", "config", "monitoring/prometheus.yml")
	for _, name := range []string{"monitoring/alerts.yml", "monitoring/grafana.json"} {
		checkNames(t, name, text)
	}
}

// scrape returns the metrics.
func scrape(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", url, answer.Status, err, text)
	}
	return string(text)
}

// promtool runs Prometheus' tool, and logs what it prints if it fails. Its hints about the names of the exporter are no
// errors.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	path := installed.Program(t, "promtool", "prometheus")
	cmd := exec.Command(path, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	const onlyHints = 3
	if err != nil && cmd.ProcessState.ExitCode() != onlyHints {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

// checkNames checks that every metric that a file asks for is among the samples.
func checkNames(t *testing.T, name, samples string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".json") && !json.Valid(text) {
		t.Errorf("%s is not JSON", name)
	}
	asked := regexp.MustCompile(`\b(?:nginxplus|weir|process|go)_[a-z0-9_]+`).FindAllString(string(text), -1)
	if len(asked) < 5 {
		t.Fatalf("%s asks for %d metrics", name, len(asked))
	}
	for _, metric := range asked {
		if !strings.Contains(samples, "\n"+metric+"{") && !strings.Contains(samples, "\n"+metric+" ") {
			t.Errorf("%s asks for %s, which weir does not write", name, metric)
		}
	}
}
