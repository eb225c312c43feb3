package weir_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// fuzzFunc matches the beginning of a fuzz target.
var fuzzFunc = regexp.MustCompile(`(?m)^func (Fuzz\w*)\(`)

// TestFuzzListIsComplete tests that scripts/fuzz runs exactly the fuzz targets of the module.
func TestFuzzListIsComplete(t *testing.T) {
	var want []string
	for _, path := range sources(t, "_test.go") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fuzzFunc.FindAllSubmatch(text, -1) {
			want = append(want, filepath.Dir(path)+" "+string(m[1]))
		}
	}
	got := strings.Split(strings.TrimSpace(run(t, "scripts/fuzz", "-list")), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("scripts/fuzz -list prints\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
