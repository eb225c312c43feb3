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
	r.Set("nginx", "b/one", NotFor.because("since 1.2.3"))

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
	if want := `| B says a\|b. ([documentation](https://nginx.org/en/docs/b.html#x)) | [b/one](../conformance/testdata/b/one.txtar) | pass | n/a: since 1.2.3 |`; !strings.Contains(markdown.String(), want) {
		t.Errorf("got\n%s\nwant %s in it", markdown.String(), want)
	}
}

func TestKeepColumns(t *testing.T) {
	scripts := []*Script{{Name: "b/one", Statement: "B says a | b.", Page: "b.html#x"}, {Name: "b/two", Statement: "New.", Page: "b.html"}}
	old := NewReport(scripts[:1], "weir", "nginx 1.2.3", "nginx 1.3.0")
	old.Set("weir", "b/one", Failed)
	old.Set("nginx 1.2.3", "b/one", NotFor.because("since 1.3.0"))
	old.Set("nginx 1.3.0", "b/one", Passed)
	var page strings.Builder
	old.WriteMarkdown(&page)

	r := NewReport(scripts, "weir", "Angie 1.0.0")
	r.Set("weir", "b/one", Passed)
	r.Set("Angie 1.0.0", "b/one", Passed)
	r.Keep(page.String())
	page.Reset()
	r.WriteMarkdown(&page)
	for _, want := range []string{
		"| statement | script | weir | nginx 1.2.3 | nginx 1.3.0 | Angie 1.0.0 |\n",
		"| pass | n/a: since 1.3.0 | pass | pass |\n",
		"- nginx 1.3.0: 2 scripts, 1 passed, 0 failed, 0 known differences, 0 not applicable, 1 not run\n",
	} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("got\n%s\nwant %q in it", page.String(), want)
		}
	}
}
