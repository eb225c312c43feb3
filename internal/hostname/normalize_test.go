package hostname

import "testing"

// TestNormalizeForms compares the forms of names with those that nginx accepts.
func TestNormalizeForms(t *testing.T) {
	accepted := map[string]string{
		"a": "a", "A.B-c": "a.b-c", "a.": "a", "a:": "a", "a.:443": "a", "a:00065535": "a", "*.a_b~!$&'()+,;=%2e": "*.a_b~!$&'()+,;=%2e",
		".a": ".a", "[::1]": "[::1]", "[FE80::1]:80": "[fe80::1]", "[]": "[]", "[v1.a]": "[v1.a]", "[a.]": "[a.]",
	}
	for text, want := range accepted {
		if got, ok := Normalize(text); !ok || got != want {
			t.Errorf("%q: got %q, %v, want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", ".", ":", ":80", "..", "a..b", "[a..b]", "a:b", "a:65536", "a:99999", "a:100000", "a:1:2", "a b", "a/b", "a@b", "a\"b", "a{b", "a[", "a]",
		"a\x00", "a\x7f", "a\xff", "é", "[", "[::1", "[::1]a", "[::1]:x", "[[::1]]", "[a%b]", "[::1]80",
	} {
		if name, ok := Normalize(text); ok {
			t.Errorf("%q: got %q, want an error", text, name)
		}
	}
}
