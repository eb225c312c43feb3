package dashboard

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// TestPageIsSmall checks the limit for links with little bandwidth.
func TestPageIsSmall(t *testing.T) {
	if len(Page) > 60<<10 {
		t.Errorf("the page has %d bytes, want at most 60 KiB", len(Page))
	}
}

// TestPageLoadsNothingElse looks for elements and rules that load files.
func TestPageLoadsNothingElse(t *testing.T) {
	loads := regexp.MustCompile(`(?i)\b(src|href|action|data|poster)=|@import|url\(|\bimport\b|style="|\son[a-z]+="`)
	for _, text := range []string{markup, style} {
		text = strings.Replace(text, `href="data:,"`, "", 1) // an empty icon, so that browsers do not ask for one
		if found := loads.FindString(text); found != "" {
			t.Errorf("the page contains %q", found)
		}
	}
	for _, unsafe := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("} {
		if strings.Contains(script, unsafe) {
			t.Errorf("the script uses %s, which interprets text as markup or code", unsafe)
		}
	}
}

// TestPolicyNamesTheInlineElements checks that the hashes are those of the texts between the tags.
func TestPolicyNamesTheInlineElements(t *testing.T) {
	for _, tag := range []string{"style", "script"} {
		_, rest, _ := strings.Cut(string(Page), "<"+tag+">")
		text, _, found := strings.Cut(rest, "</"+tag+">")
		if !found {
			t.Fatalf("the page has no element %s", tag)
		}
		if !strings.Contains(Policy, tag+"-src "+source(text)) {
			t.Errorf("the policy does not allow the element %s: %s", tag, Policy)
		}
	}
	if strings.Contains(Policy, "unsafe") {
		t.Errorf("the policy is not strict: %s", Policy)
	}
}

// TestServe checks the answers to GET and HEAD.
func TestServe(t *testing.T) {
	for method, body := range map[string][]byte{http.MethodGet: Page, http.MethodHead: nil} {
		w := httptest.NewRecorder()
		Serve(w, httptest.NewRequest(method, "/dashboard.html", nil))
		if got := w.Header().Get("Content-Security-Policy"); got != Policy {
			t.Errorf("%s: policy %q", method, got)
		}
		if !bytes.Equal(w.Body.Bytes(), body) {
			t.Errorf("%s: a body of %d bytes, want %d", method, w.Body.Len(), len(body))
		}
	}
}
