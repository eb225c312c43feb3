package accesslog

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"weir/internal/logescape"
)

// FuzzFormat checks that every format that compiles can be written, that a format without a dollar
// sign is its own output, and that escaped values cannot break out of a line or a string.
func FuzzFormat(f *testing.F) {
	for _, text := range []string{"a b", "$a", "<$a>", "${a}b$b", "$a}", "${", "$", "$$", "${a", "$1", "${}", "$é", "x$a\n"} {
		f.Add(text, "plain")
	}
	for _, value := range []string{"", `a"b\c`, "\r\n\x00\x7f", "é\xff"} {
		f.Add("$a", value)
	}
	f.Fuzz(func(t *testing.T, text, value string) {
		r := newRig(t)
		r.values["a"] = value
		parsed, err := ParseFormat([]string{text}, logescape.None, r.vars)
		if err != nil && !strings.Contains(text, "$") {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil || r.vars.Resolve() != nil {
			return
		}
		if got := string(parsed.Append(nil, r.session())); !strings.Contains(text, "$") && got != text {
			t.Errorf("got %q, want %q", got, text)
		}
		checkEscapes(t, r)
	})
}

// checkEscapes checks the value of $a in each escape.
func checkEscapes(t *testing.T, r *rig) {
	t.Helper()
	plain, object := r.format(logescape.Default, "$a"), r.format(logescape.JSON, "$a")
	s, value := r.session(), r.values["a"]
	if got := plain.Append(nil, s); bytes.ContainsFunc(got, func(c rune) bool { return c < ' ' || c > '~' || c == '"' }) {
		t.Errorf("%q is written as %q", value, got)
	}
	var back string
	got := object.Append([]byte{'"'}, s)
	if err := json.Unmarshal(append(got, '"'), &back); err != nil || !utf8.Valid(got) || back != strings.ToValidUTF8(value, "\ufffd") {
		t.Errorf("%q is written as %q, which is %q, %v", value, got, back, err)
	}
}
