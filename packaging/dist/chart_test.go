package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const chartPath = "../charts/weir"

// readChart returns a file of the chart.
func readChart(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartPath, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// chartValues returns values.yaml, with the types that a JSON document has.
func chartValues(t *testing.T) map[string]any {
	t.Helper()
	var values any
	if err := yaml.Unmarshal(readChart(t, "values.yaml"), &values); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	back, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return back.(map[string]any)
}

// TestChartSchema checks the default values against the schema, and that it refuses others.
func TestChartSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(chartPath, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(chartValues(t)); err != nil {
		t.Error(err)
	}
	for name, wrong := range map[string]any{"replicaCount": "two", "watch": 1, "ports": []any{}, "replicas": 2} {
		values := chartValues(t)
		values[name] = wrong
		if schema.Validate(values) == nil {
			t.Errorf("the schema allows %s: %v", name, wrong)
		}
	}
}

var usedValue = regexp.MustCompile(`\.Values\.(\w+)`)

// TestChartValuesAreUsed compares the values with those that the templates use, and with the schema.
func TestChartValuesAreUsed(t *testing.T) {
	templates, err := filepath.Glob(filepath.Join(chartPath, "templates/*"))
	if err != nil || len(templates) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	var used []string
	for _, path := range templates {
		for _, m := range usedValue.FindAllSubmatch(readChart(t, "templates/"+filepath.Base(path)), -1) {
			used = append(used, string(m[1]))
		}
	}
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal(readChart(t, "values.schema.json"), &schema); err != nil {
		t.Fatal(err)
	}
	values := chartValues(t)
	for name := range values {
		if !slices.Contains(used, name) {
			t.Errorf("no template uses %s", name)
		}
		if schema.Properties[name] == nil {
			t.Errorf("the schema does not have %s", name)
		}
	}
	for _, name := range used {
		if values[name] == nil {
			t.Errorf("values.yaml does not have %s", name)
		}
	}
}

// TestChartConfiguration checks that the chart serves the configuration of examples/kubernetes, which a test starts.
func TestChartConfiguration(t *testing.T) {
	example, err := os.ReadFile("../../examples/kubernetes/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(readChart(t, "files/nginx.conf"), example) {
		t.Errorf("%s/files/nginx.conf differs from examples/kubernetes/nginx.conf", chartPath)
	}
}

const helmProgram = "helm.sh/helm/v3/cmd/helm@v3.22.0"

// helm runs Helm for a recent Kubernetes, and returns its output.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("go", append([]string{"run", helmProgram}, args...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Logf("%v: %v\n%s%s", cmd.Args, err, out, stderr.String())
	}
	return string(out), err
}

// TestHelm runs helm lint, and examines the objects that the chart makes.
func TestHelm(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes: make test-packages")
	}
	if _, err := helm(t, "lint", "--strict", chartPath); err != nil {
		t.Error(err)
	}
	plain := objects(t)
	if want := []string{"ConfigMap", "Deployment", "PodDisruptionBudget", "Service"}; !slices.Equal(kinds(plain), want) {
		t.Errorf("got %q, want %q", kinds(plain), want)
	}
	config := at(plain["ConfigMap"], "data", "nginx.conf")
	if config != strings.TrimSuffix(string(readChart(t, "files/nginx.conf")), "\n")+"\n" {
		t.Errorf("the ConfigMap has the configuration\n%v", config)
	}
	pod := at(plain["Deployment"], "spec", "template", "spec")
	container := at(pod, "containers").([]any)[0]
	for _, c := range []struct {
		path []string
		want any
	}{
		{[]string{"args"}, []any{"-c", "/etc/weir/nginx.conf", "-watch"}},
		{[]string{"securityContext", "readOnlyRootFilesystem"}, true},
		{[]string{"readinessProbe", "tcpSocket", "port"}, "mqtt"},
		{[]string{"livenessProbe", "tcpSocket", "port"}, "mqtt"},
		{[]string{"lifecycle", "preStop", "sleep", "seconds"}, 5},
	} {
		if got := at(container, c.path...); !equal(got, c.want) {
			t.Errorf("%v: got %v, want %v", c.path, got, c.want)
		}
	}
	if got := at(plain["PodDisruptionBudget"], "spec", "selector"); !equal(got, at(plain["Deployment"], "spec", "selector")) {
		t.Errorf("the PodDisruptionBudget selects %v", got)
	}

	closed := objects(t, "--set", "networkPolicy.enabled=true,watch=false,podDisruptionBudget.enabled=false", "--set-json", `networkPolicy.to=[{"podSelector":{}}]`)
	if want := []string{"ConfigMap", "Deployment", "NetworkPolicy", "Service"}; !slices.Equal(kinds(closed), want) {
		t.Errorf("got %q, want %q", kinds(closed), want)
	}
	if sum, _ := at(closed["Deployment"], "spec", "template", "metadata", "annotations", "checksum/config").(string); len(sum) != 64 {
		t.Errorf("without watch a change does not restart the pods: checksum %q", sum)
	}
	if _, err := helm(t, "template", "demo", chartPath, "--set", "replicaCount=two"); err == nil {
		t.Error("the chart accepts a replicaCount that is not a number")
	}
}

// objects renders the chart, and returns its objects by their kind.
func objects(t *testing.T, args ...string) map[string]any {
	t.Helper()
	out, err := helm(t, append([]string{"template", "demo", chartPath, "--kube-version", "1.34.0"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	for d := yaml.NewDecoder(strings.NewReader(out)); ; {
		var object map[string]any
		if d.Decode(&object) != nil {
			return all
		}
		all[object["kind"].(string)] = object
	}
}

func kinds(objects map[string]any) (all []string) {
	for kind := range objects {
		all = append(all, kind)
	}
	slices.Sort(all)
	return all
}

// at returns a value within maps; nil if there is none.
func at(value any, path ...string) any {
	for _, name := range path {
		m, _ := value.(map[string]any)
		value = m[name]
	}
	return value
}

func equal(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}
