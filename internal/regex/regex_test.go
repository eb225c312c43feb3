package regex_test

import (
	"slices"
	"strings"
	"testing"

	"weir/internal/regex"
)

// TestGroups compares matches and their groups with those of PCRE2 10.42.
func TestGroups(t *testing.T) {
	tests := []struct {
		name, pattern, text string
		want                []int // nil means no match
	}{
		{"plain", "^dev-", "dev-1", []int{0, 4}},
		{"not at the start", "^ev-", "dev-1", nil},
		{"groups", "^([a-z]+)-([0-9]+)$", "dev-17", []int{0, 6, 0, 3, 4, 6}},
		{"group that took no part", "(a)|(b)", "b", []int{0, 1, -1, -1, 0, 1}},
		{"case matters", "DEV", "dev", nil},
		{"fold for a while", "(?i)d(?-i)ev", "Dev", []int{0, 3}},
		{"fold in a group", "(?i:d)ev", "DEv", nil},
		{"fold of the other alternative", "(?:a(?i)b|c)", "C", []int{0, 1}},
		{"end before a newline", "a$", "a\n", []int{0, 2}},
		{"end in a group leaves the newline", "(a$)", "a\n", []int{0, 2, 0, 1}},
		{"end in a greedy group", "([^b]*$)", "a\n", []int{0, 2, 0, 2}},
		{"end within groups", "((a|b$)|c)", "b\n", []int{0, 2, 0, 1, 0, 1}},
		{"absolute end", `a\z`, "a\n", nil},
		{"end by another name", `a\Z`, "a\n", []int{0, 2}},
		{"a dot is a byte", "^.$", "\u00e9", nil},
		{"two dots are two", "^(.)(.)$", "\u00e9", []int{0, 2, 0, 1, 1, 2}},
		{"a dot is no newline", "a.b", "a\nb", nil},
		{"but for (?s)", "(?s)a.b", "a\nb", []int{0, 3}},
		{"vertical tab is space", `\s`, "\v", []int{0, 1}},
		{`\v is any vertical space`, `\v`, "\r", []int{0, 1}},
		{"horizontal space", `\h`, "\xa0", []int{0, 1}},
		{"bracket first in a class", `[]a]+`, "a]", []int{0, 2}},
		{"hyphen last in a class", `[\d-]+`, "1-2", []int{0, 3}},
		{"named class", `[[:alpha:]_]+`, "a_", []int{0, 2}},
		{"all but a named class", `[[:^alpha:]]`, "a", nil},
		{"backspace in a class", `[\b]`, "\b", []int{0, 1}},
		{"octal in a class", `[\101]`, "A", []int{0, 1}},
		{"octal", `\o{101}\0`, "A\x00", []int{0, 2}},
		{"hexadecimal", `\x41\x{e9}\x`, "A\xe9\x00", []int{0, 3}},
		{"control", `\cA`, "\x01", []int{0, 1}},
		{"quoted", `\Qa.b\E.`, "a.bc", []int{0, 4}},
		{"comment", "a(?#b)c", "ac", []int{0, 2}},
		{"braces that repeat nothing", "a{b}{,", "a{b}{,", []int{0, 6}},
		{"lazy", "a+?", "aa", []int{0, 1}},
		{"letters beyond ASCII have no case", "(?i)\xe9", "\xc9", nil},
		{"a byte of what a folded letter has none", "(?i)[^k]", "\u212a", []int{0, 1}},
		{"empty class", `[^\s\S]`, "a", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := regex.Compile(tt.pattern, false)
			if err != nil {
				t.Fatal(err)
			}
			if got := r.Groups(tt.text); !slices.Equal(got, tt.want) {
				t.Errorf("%q in %q: got %v, want %v", tt.pattern, tt.text, got, tt.want)
			}
			if got := r.Match(tt.text); got != (tt.want != nil) {
				t.Errorf("%q in %q: got match %v", tt.pattern, tt.text, got)
			}
		})
	}
}

func TestFold(t *testing.T) {
	for _, pattern := range []string{"^dev", "^[c-e]ev", "^[[:upper:]]EV", `^\QDEV`} {
		r, err := regex.Compile(pattern, true)
		if err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]bool{"dev": true, "DeV": true, "xev": pattern[2] == '['} {
			if got := r.Match(text); got != want {
				t.Errorf("%q in %q: got %v, want %v", pattern, text, got, want)
			}
		}
	}
}

func TestNames(t *testing.T) {
	r, err := regex.Compile("(x$)|(?<a>b)(?:c)(d)(?P<e_1>f)(?'g'h)", false)
	if err != nil {
		t.Fatal(err)
	}
	if want := []regex.Name{{"a", 2}, {"e_1", 4}, {"g", 5}}; !slices.Equal(r.Names(), want) || r.NumGroups() != 5 {
		t.Errorf("got %v of %d, want %v of 5", r.Names(), r.NumGroups(), want)
	}
}

// TestErrors checks the messages for errors that PCRE reports: nginx's own.
func TestErrors(t *testing.T) {
	tests := []struct{ pattern, message, at string }{
		{"(a", "missing closing parenthesis", ""},
		{"(?i", "missing closing parenthesis", ""},
		{"a)", "unmatched closing parenthesis", ")"},
		{"[a", "missing terminating ] for character class", ""},
		{"[]", "missing terminating ] for character class", ""},
		{"+", "quantifier does not follow a repeatable item", "+"},
		{"a**", "quantifier does not follow a repeatable item", "*"},
		{"a|*", "quantifier does not follow a repeatable item", "*"},
		{`a\`, `\ at end of pattern`, ""},
		{`a\jb`, `unrecognized character follows \`, "jb"},
		{"[z-a]x", "range out of order in character class", "a]x"},
		{`[\d-z]`, "invalid range in character class", "-z]"},
		{`[a-\d]`, "invalid range in character class", "]"},
		{"[[:foo:]]", "unknown POSIX class name", "foo:]]"},
		{"[:alpha:]", "POSIX named classes are supported only within a class", "[:alpha:]"},
		{"(?<a>x)(?<a>y)", "two named subpatterns have the same name (PCRE2_DUPNAMES not set)", "y)"},
		{"(?<1a>x)", "subpattern name must start with a non-digit", "1a>x)"},
		{"(?<a", "syntax error in subpattern name (missing terminator?)", ""},
		{"(?z)", "unrecognized character after (? or (?-", "z)"},
		{`\x{100}`, `character code point value in \x{} or \o{} is too large`, "}"},
		{"a{3,2}", "numbers out of order in {} quantifier", "}"},
		{"a{70000}", "number too big in {} quantifier", "}"},
		{"\\c\xe9", `\c must be followed by a printable ASCII character`, "\xe9"},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			want := "pcre2_compile() failed: " + tt.message + ` in "` + tt.pattern + `"`
			if tt.at != "" {
				want += ` at "` + tt.at + `"`
			}
			checkError(t, tt.pattern, want)
		})
	}
}

// TestRefused checks each construct that is not supported.
func TestRefused(t *testing.T) {
	tests := []struct{ pattern, what string }{
		{"a(?=b)", `look-ahead "(?="`},
		{"a(?!b)", `look-ahead "(?!"`},
		{"(?<=a)b", `look-behind "(?<="`},
		{"(?<!a)b", `look-behind "(?<!"`},
		{"(?>a)", `atomic group "(?>"`},
		{"(?|a)", `branch reset "(?|"`},
		{"(?(1)a)", `condition "(?("`},
		{"(?R)", `recursion "(?R"`},
		{"(?1)", `recursion "(?1"`},
		{"(?-1)", `recursion "(?-1"`},
		{"(*UTF)a", `verb "(*"`},
		{"(?C1)", `callout "(?C"`},
		{`(a)\1`, `back-reference "\1"`},
		{`(?<n>a)\k<n>`, `back-reference "\k"`},
		{`(?P<n>a)(?P=n)`, `back-reference "(?P="`},
		{`(a)\g1`, `back-reference "\g"`},
		{"a++", `possessive repetition "++"`},
		{"a{2}+", `possessive repetition "{2}+"`},
		{`\p{L}`, `Unicode property "\p"`},
		{`[\P{L}]`, `Unicode property "\P"`},
		{`\X`, `grapheme cluster "\X"`},
		{`\R`, `newline sequence "\R"`},
		{`\K`, `reset of the match start "\K"`},
		{`\G`, `start of match "\G"`},
		{`\C`, `single byte "\C"`},
		{"(?m)^a", `option "(?m"`},
		{"(?x) a", `option "(?x"`},
		{"(?U)a", `option "(?U"`},
		{"a{,3}", `repetition "{,3}"`},
		{"a{1001}", `repetition "{1001}"`},
		{"a$b", `end of text before the end "$"`},
		{"(?:a$)?b", `repetition of the end "?"`},
		{"((a?)b?)*", `repetition of a group that captures and may be empty "*"`},
		{`[\Qa]\E]`, `within a class "\Q"`},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			checkError(t, tt.pattern, tt.what+` in regular expression "`+tt.pattern+`" is not supported by weir`)
		})
	}
}

func TestTooLarge(t *testing.T) {
	checkError(t, "((a{500}){500}){500}", `regular expression "((a{500}){500}){500}" is not supported by weir: it is too large`)
}

func checkError(t *testing.T, pattern, want string) {
	t.Helper()
	_, err := regex.Compile(pattern, false)
	if err == nil {
		t.Fatalf("%q: got no error, want %s", pattern, want)
	}
	if err.Error() != want {
		t.Errorf("%q: got\n%s\nwant\n%s", pattern, err, want)
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	r, err := regex.Compile(`^(dev|test)-[0-9]+$`, true)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { r.Match("DEV-17") }); n > 0 {
		t.Errorf("got %.0f allocations", n)
	}
}

// FuzzCompile checks that no accepted pattern is refused by the engine, and that groups lie within
// the text.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{`^([a-z]+)-\d{1,3}$`, `(?i)[^\s\x{e9}]+?|(a$)`, `\Qa\E[[:^alpha:]-]`, `(?<n>.)*`} {
		f.Add(seed, "dev-17\n", true)
	}
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		r, err := regex.Compile(pattern, fold)
		if err != nil {
			return
		}
		at := r.Groups(text)
		if (at != nil) != r.Match(text) {
			t.Fatalf("%q in %q: groups %v, match %v", pattern, text, at, at == nil)
		}
		for i := 0; i < len(at); i += 2 {
			if at[i] > at[i+1] || at[i+1] > len(text) || at[i] < -1 {
				t.Fatalf("%q in %q: groups %v", pattern, text, at)
			}
		}
		if at != nil && len(at) != 2*(1+r.NumGroups()) || strings.Contains(pattern, "(?=") && !strings.ContainsAny(pattern, `\[#`) {
			t.Fatalf("%q: %d groups, places %v", pattern, r.NumGroups(), at)
		}
	})
}
