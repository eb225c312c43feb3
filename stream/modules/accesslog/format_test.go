package accesslog

import (
	"strings"
	"testing"

	"weir/internal/logescape"
)

func TestFormat(t *testing.T) {
	tests := []struct {
		name  string
		texts []string
		want  string
	}{
		{"literal", []string{"a b"}, "a b"},
		{"variable", []string{"$a"}, "1"},
		{"between literals", []string{"<$a>"}, "<1>"},
		{"braces", []string{"${a}b$b"}, "1b2"},
		{"case", []string{"$A"}, "1"},
		{"several strings", []string{"x$a", " $b", ""}, "x1 2"},
		{"a name ends with its string", []string{"$a", "b"}, "1b"},
		{"closing brace alone", []string{"$a}"}, "1}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			r.values = map[string]string{"a": "1", "b": "2"}
			f := r.format(logescape.Default, tt.texts...)
			if got := string(f.Append(nil, r.session())); got != tt.want {
				t.Errorf("format %q gives %q, want %q", tt.texts, got, tt.want)
			}
		})
	}
}

func TestFormatErrors(t *testing.T) {
	tests := []struct {
		name, text, want string
	}{
		{"dollar at the end", "$", `invalid parameter "$"`},
		{"no name", "a$ b", `invalid parameter "$ b"`},
		{"no name in braces", "x${}y", `invalid parameter "${}y"`},
		{"brace at the end", "x${", `invalid parameter "${"`},
		{"brace not closed", "${a b}", `the closing bracket in "a" variable is missing`},
		{"brace not closed at the end", "${a", `the closing bracket in "a" variable is missing`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseFormat([]string{tt.text}, logescape.Default, newRig(t).vars)
			if err == nil || err.Error() != tt.want {
				t.Errorf("ParseFormat(%q): %v, want %s", tt.text, err, tt.want)
			}
		})
	}
}

func TestCapturesAreNamesInAFormat(t *testing.T) {
	r := newRig(t)
	r.format(logescape.Default, "$1")
	if got := strings.Join(r.vars.Resolve(), " "); got != "1" {
		t.Errorf("unknown variables %q, want 1", got)
	}
}

func TestEscape(t *testing.T) {
	const all = "\x00\x1f ~\x7f\x80\"\\\n\r\t\b\fé"
	tests := []struct {
		name                    string
		value                   string
		missing                 bool
		defaults, json, verbose string
	}{
		{"plain", "abc", false, "abc", "abc", "abc"},
		{"empty", "", false, "", "", ""},
		{"not found", "", true, "-", "", ""},
		{
			"everything", all, false, `\x00\x1F ~\x7F\x80\x22\x5C\x0A\x0D\x09\x08\x0C\xC3\xA9`,
			`\u0000\u001F ~` + "\x7f\ufffd" + `\"\\\n\r\t\b\fé`, all,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, want := range map[string]string{"default": tt.defaults, "json": tt.json, "none": tt.verbose} {
				escape, ok := logescape.Parse(name)
				if !ok {
					t.Fatalf("logescape.Parse(%q) fails", name)
				}
				got := string(escape.Value([]byte(`"`+tt.value), 1, !tt.missing))
				if got != `"`+want {
					t.Errorf("escape=%s: %q becomes %q, want %q", name, tt.value, got, `"`+want)
				}
			}
		})
	}
	if _, ok := logescape.Parse("JSON"); ok {
		t.Error(`logescape.Parse("JSON") finds something`)
	}
}
