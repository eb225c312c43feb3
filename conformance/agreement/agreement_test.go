package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"weir/conformance/binary"
	"weir/conformance/installed"
	"weir/conformance/nginx"
)

// sampled is the inverse of the sampling rate: the test runs one configuration in sampled; the
// choice is the same in every run.
const sampled = 25

// TestSampleAgrees runs a sample of the configurations on weir (WEIR_BIN, or built here) and on
// nginx.
func TestSampleAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("runs nginx a thousand times")
	}
	path, err := binary.Path(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("WEIR_BIN", path)
	subjects, err := findSubjects()
	if err != nil {
		installed.Missing(t, err.Error())
	}
	benches, err := newBenches(t.TempDir(), subjects, 2)
	if err != nil {
		t.Fatal(err)
	}
	trials, err := trialsFor(t.Context(), benches[0], "../../directives/testdata/directives.tsv")
	if err != nil {
		t.Fatal(err)
	}
	results, err := compareAll(t.Context(), benches, choose(trials, regexp.MustCompile(""), sampled))
	if err != nil {
		t.Fatal(err)
	}
	report := newReport(subjects.build.Name(), results)
	for _, r := range report.differences() {
		t.Errorf("%s %s\n%s\nweir says\n%s\nnginx says\n%s", r.page, r.name, r.conf, r.weir, r.nginx)
	}
	if least := len(trials) / sampled / 2; report.total.judged() < least {
		t.Errorf("got %d configurations judged, want at least %d: %v", report.total.judged(), least, report.total)
	}
}

func TestSyntaxAlternatives(t *testing.T) {
	tests := []struct {
		syntax string
		words  []string // with the usual words and no options
		at     int      // index of the syntax word that is replaced by "!"
		other  []string
	}{
		{"on | off", []string{"on"}, 1, []string{"!"}},
		{"<word> [<number>]", []string{"a"}, 1, []string{"a", "!"}},
		{"<word> ... [x=<number>]", []string{"a"}, 2, []string{"a", "x=!"}},
		{"zone=<word>:<zonesize>", []string{"zone=a:32k"}, 3, []string{"zone=a:!"}},
		{"[two [<word>]]", nil, 1, []string{"two", "!"}},
	}
	for _, tt := range tests {
		t.Run(tt.syntax, func(t *testing.T) {
			s := parseSyntax(tt.syntax)
			if got := s.write(plainChooser{}); !slices.Equal(got, tt.words) {
				t.Errorf("got %q, want %q", got, tt.words)
			}
			if got := s.write(plainChooser{at: s.words()[tt.at], instead: "!"}); !slices.Equal(got, tt.other) {
				t.Errorf("got %q, want %q", got, tt.other)
			}
		})
	}
}

func TestRandomSeedIsFixed(t *testing.T) {
	d := &directive{name: "x", syntax: []sequence{parseSyntax("<time> [<size>] [on | off]")}}
	a, b := newRandom("seed", 3), newRandom("seed", 3)
	for range 100 {
		if first, second := a.use(d), b.use(d); first != second {
			t.Fatalf("got %q, then %q", first, second)
		}
	}
}

func TestClassify(t *testing.T) {
	ok := verdict{[]string{"syntax is ok"}, 0}
	wrong := func(sentence string) verdict {
		return verdict{[]string{"[warn] w in /p/nginx.conf:1", "[emerg] " + sentence, "failed"}, 1}
	}
	tests := []struct {
		name        string
		weir, nginx verdict
		want        class
	}{
		{"the same", ok, ok, agrees},
		{"the same error", wrong("x in /p/nginx.conf:5"), wrong("x in /p/nginx.conf:5"), agrees},
		{"another line", wrong("x in /p/nginx.conf:5"), wrong("x in /p/nginx.conf:6"), differs},
		{"another exit code", ok, verdict{ok.lines, 1}, differs},
		{"not served", wrong(`"a" directive is not supported by weir yet in /p/nginx.conf:5`), ok, refused},
		{"not served, and wrong later", wrong(`"a" directive is not supported by weir yet in /p/nginx.conf:5`), wrong("x in /p/nginx.conf:6"), refused},
		{"not served, and wrong before", wrong(`"a" directive is not supported by weir yet in /p/nginx.conf:5`), wrong("x in /p/nginx.conf:4"), differs},
		{"not served, and out of place", wrong(`"a" directive is not supported by weir yet in /p/nginx.conf:5`),
			wrong(`"a" directive is not allowed here in /p/nginx.conf:5`), differs},
		{"later", ok, wrong("no handler for server in /p/nginx.conf:5"), newer},
		{"later, for another nginx", ok, wrong(`invalid number of the geo parameters in /p/nginx.conf:5`), differs},
		{"later, other words", wrong(`invalid parameter "x" in /p/nginx.conf:5`), wrong(`the invalid "x" parameter in /p/nginx.conf:5`), newer},
		{"escaped", wrong(`unknown directive "a\xFFb" in /p/nginx.conf:5`), wrong("unknown directive \"a\xffb\" in /p/nginx.conf:5"), purpose},
		{"a line more", verdict{append([]string{`[warn] the "user" directive is not supported yet, weir continues`}, ok.lines...), 0}, ok, purpose},
		{"on purpose", ok, wrong(`dlopen() "x" failed (no) in /p/nginx.conf:1`), purpose},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &result{weir: tt.weir, nginx: tt.nginx}
			if got := r.classify(&nginx.Build{Version: nginx.Version{1, 22, 1}}).class; got != tt.want {
				t.Errorf("got class %d, want %d", got, tt.want)
			}
		})
	}
}

func TestRulesDependOnTheVersion(t *testing.T) {
	r := &result{nginx: verdict{[]string{"[emerg] no handler for server in /p/nginx.conf:5", "failed"}, 1}, weir: verdict{[]string{"ok"}, 0}}
	for v, want := range map[nginx.Version]class{{1, 27, 0}: newer, {1, 27, 1}: differs} {
		if got := r.classify(&nginx.Build{Version: v}).class; got != want {
			t.Errorf("%v: got class %d, want %d", v, got, want)
		}
	}
}

func TestPageKeepsOtherSections(t *testing.T) {
	first := newReport("nginx 1.2.3", []result{{trial: trial{page: "a.html"}}}).mergedPage("# Old\n")
	both := newReport("nginx 1.3.0", nil).mergedPage(first)
	again := newReport("nginx 1.2.3", nil).mergedPage(both)
	for _, page := range []string{both, again} {
		if n := strings.Count(page, sectionMark); n != 2 {
			t.Errorf("got %d sections, want 2:\n%s", n, page)
		}
	}
	if !strings.Contains(both, "| a |") || strings.Contains(again, "| a |") {
		t.Errorf("got\n%s\nthen\n%s", both, again)
	}
}
