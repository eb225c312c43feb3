package mapping_test

import (
	"fmt"
	"strings"
	"testing"

	"weir/stream"
	"weir/stream/modules/mapping"
	"weir/stream/offline"
)

// A line is one line of a map.
type line struct{ key, value string }

// play returns a session and a variable that maps $source, whose value is in from, by lines; a line
// "hostnames" enables masks.
func play(t testing.TB, from *string, lines ...line) (s *offline.Session, m *mapping.Map) {
	t.Helper()
	config := stream.NewConfig()
	source := stream.Variable{Name: "source", NoCache: true, Get: func(*stream.Session) (string, bool) { return *from, true }}
	if err := config.Vars.Define(source); err != nil {
		t.Fatal(err)
	}
	tpl, err := stream.ParseTemplate("$source", config.Vars)
	if err != nil {
		t.Fatal(err)
	}
	b := mapping.NewBuilder(tpl, config.Vars, 0, 0)
	for _, l := range lines {
		if l.key == "hostnames" {
			b.Hostnames()
		} else if err := b.Add(l.key, l.value); err != nil {
			t.Fatal(err)
		}
	}
	m = b.Map()
	if unknown := config.Vars.Resolve(); unknown != nil {
		t.Fatalf("unknown variables %q", unknown)
	}
	return offline.NewSession(t, &stream.Listen{Config: config, Default: &stream.Server{}}), m
}

func TestGet(t *testing.T) {
	exact := []line{{"a", "1"}, {"B c", "2"}, {"", "empty"}, {"default", "d"}, {`\default`, "3"}, {"*.x", "4"}}
	hosts := []line{
		{"hostnames", ""},
		{"www.x.y", "exact"},
		{"*.x.y", "head"},
		{"*.b.x.y", "long head"},
		{".z.y", "dot"},
		{"mail.*", "tail"},
		{"mail.a.*", "long tail"},
		{"*.tail.y", "head first"},
		{"~^re", "regex"},
		{"re.*", "before regex"},
	}
	long := strings.Repeat("a.", 50000) + "x.y"
	tests := []struct {
		name  string
		lines []line
		text  string
		want  string
	}{
		{"exact", exact, "a", "1"},
		{"case", exact, "b C", "2"},
		{"empty", exact, "", "empty"},
		{"default", exact, "q", "d"},
		{"escaped", exact, "DEFAULT", "3"},
		{"a star is a star", exact, "*.X", "4"},
		{"longer than all keys", exact, long, "d"},
		{"no default", hosts, "q", ""},
		{"host", hosts, "WWW.x.y", "exact"},
		{"head", hosts, "a.x.y", "head"},
		{"head, several labels", hosts, "c.a.x.y", "head"},
		{"longest head", hosts, "a.b.x.y", "long head"},
		{"the head's own name", hosts, "b.x.y", "head"},
		{"nothing in front", hosts, ".x.y", "head"},
		{"not the name itself", hosts, "x.y", ""},
		{"dot", hosts, "z.y", "dot"},
		{"below a dot", hosts, "a.z.y", "dot"},
		{"final dot of the text", hosts, "z.y.", "dot"},
		{"tail", hosts, "mail.b", "tail"},
		{"longest tail", hosts, "mail.a.b", "long tail"},
		{"tail alone", hosts, "mail", ""},
		{"head before tail", hosts, "mail.tail.y", "head first"},
		{"mask before regex", hosts, "re.x", "before regex"},
		{"regex", hosts, "rex", "regex"},
		{"many labels", hosts, long, "head"},
		{"empty meets no regex", []line{{"~^", "regex"}}, "", ""},
		{"regexes in order", []line{{"~*^A", "1"}, {"~^a", "2"}, {"~b", "3"}}, "ab", "1"},
		{"value with a group", []line{{"~^(.)(.)", "$2$1"}}, "ab", "ba"},
		{"value with a named group", []line{{"~^(?<rest>.*)$", "<$rest>"}}, "ab", "<ab>"},
		{"a group that took no part", []line{{"~(a)|(b)", "[$1$2]"}}, "b", "[b]"},
		{"group of what is not ASCII", []line{{"~^é(.*)$", "$1"}}, "éü", "ü"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, m := play(t, &tt.text, tt.lines...)
			if got, found := m.Get(s.Session); got != tt.want || !found {
				t.Errorf("got %q, %v, want %q", got, found, tt.want)
			}
		})
	}
}

// TestLatestMatch checks that $1 is from the latest match, even if that has no groups, and that a
// failed match does not change it.
func TestLatestMatch(t *testing.T) {
	text := ""
	s, m := play(t, &text, line{"~^a(.)", "$1"}, line{"~^b", "[$1]"}, line{"default", "$1"})
	for _, step := range []struct{ text, want string }{{"q", ""}, {"ax", "x"}, {"q", "x"}, {"b", "[]"}, {"q", ""}} {
		text = step.text
		if got, _ := m.Get(s.Session); got != step.want {
			t.Errorf("%q: got %q, want %q", text, got, step.want)
		}
	}
}

// TestMany checks that each of many texts is found with its own value.
func TestMany(t *testing.T) {
	text := ""
	var lines []line
	for i := range 5000 {
		lines = append(lines, line{fmt.Sprintf("Device-%d", i*7919), fmt.Sprint("v", i%3000)})
	}
	s, m := play(t, &text, lines...)
	for _, l := range lines {
		text = strings.ToUpper(l.key)
		if got, _ := m.Get(s.Session); got != l.value {
			t.Fatalf("%q: got %q, want %q", text, got, l.value)
		}
	}
	text = "device-1"
	if got, _ := m.Get(s.Session); got != "" {
		t.Errorf("got %q for what is not there", got)
	}
}

func TestGetAllocatesNothing(t *testing.T) {
	text := ""
	s, m := play(t, &text, line{"hostnames", ""}, line{"a.b", "1"}, line{"*.b", "2"}, line{"c.*", "3"}, line{"~^(d|e)", "4"}, line{"default", "5"})
	for _, text = range []string{"A.b", "x.b", "c.x", "dx", "none"} {
		if n := testing.AllocsPerRun(100, func() { m.Get(s.Session) }); n > 0 {
			t.Errorf("%q: got %.0f allocations", text, n)
		}
	}
}

// FuzzGet checks that a plain text is found in either case, after any other lookups.
func FuzzGet(f *testing.F) {
	f.Add("device-1", "x.device-1")
	f.Add("*.a", "b.a.")
	f.Add("..", ".")
	f.Fuzz(func(t *testing.T, key, text string) {
		if strings.ContainsAny(key, "~\\") || key == "default" || key == "hostnames" {
			return
		}
		s, m := play(t, &text, line{key, "1"}, line{"hostnames", ""}, line{"*.example", "2"}, line{"example.*", "3"})
		m.Get(s.Session)
		text = key
		if got, _ := m.Get(s.Session); got != "1" && !strings.HasSuffix(key, ".") {
			t.Errorf("%q: got %q, want 1", key, got)
		}
	})
}

// BenchmarkGet looks up, among a million texts, the same one repeatedly, as with a warm cache, and
// all in turn.
func BenchmarkGet(b *testing.B) {
	const keys = 1_000_000
	name := func(i int) string { return fmt.Sprintf("device-%08x-%07d", uint32(i)*2654435761, i) }
	lines := make([]line, keys)
	for i := range lines {
		lines[i] = line{name(i), fmt.Sprint("broker", i%50)}
	}
	text := ""
	s, m := play(b, &text, lines...)
	texts := make([]string, 1<<16)
	for i := range texts {
		texts[i] = name(i * 7919 % keys)
	}
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			text = texts[1]
			m.Get(s.Session)
		}
	})
	b.Run("any", func(b *testing.B) {
		i := 0
		for b.Loop() {
			text = texts[i&(len(texts)-1)]
			i++
			m.Get(s.Session)
		}
	})
}
