package conformance

import (
	"strings"
	"testing"
)

func TestReport(t *testing.T) {
	r := NewReport([]*Script{
		{Name: "b/one", Statement: "B says a|b.", Page: "b.html#x"},
		{Name: "a/two", Statement: "A says c.", Page: "a.html"},
	}, "weir", "nginx")
	r.Set("weir", "b/one", Passed)
	r.Set("weir", "a/two", Failed)
	r.Set("nginx", "b/one", NotFor)

	if got, want := r.Total("weir"), "weir: 2 scripts, 1 passed, 1 failed, 0 known differences, 0 not applicable, 0 not run"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var text, markdown strings.Builder
	r.WriteText(&text)
	r.WriteMarkdown(&markdown)
	for _, want := range []string{"\na.html\n  weir  FAIL", "\nb.html\n  weir  pass      nginx n/a      b/one"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", text.String(), want)
		}
	}
	if want := `| B says a\|b. | [b/one](https://nginx.org/en/docs/b.html#x) | pass | n/a |`; !strings.Contains(markdown.String(), want) {
		t.Errorf("got\n%s\nwant %s in it", markdown.String(), want)
	}
}
