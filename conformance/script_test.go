package conformance

import (
	"reflect"
	"strings"
	"testing"

	"weir/conformance/nginx"
)

func TestParseScript(t *testing.T) {
	s, err := ParseScript("proxy/x", []byte(`# Bytes are relayed,
# both ways.
page: stream/a.html#b
nginx: since 1.25.5

start
# a remark
[late] dial c :1
[since 1.29.0] dial d :1
[before 1.29.0] refuses :1
-- nginx.conf --
events { }
`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "Bytes are relayed, both ways."; s.Statement != want {
		t.Errorf("got statement %q, want %q", s.Statement, want)
	}
	if want := (nginx.Version{1, 25, 5}); s.Since != want {
		t.Errorf("got since %v, want %v", s.Since, want)
	}
	want := []Command{{Line: 6, Text: "start"}, {Line: 8, Label: "late", Text: "dial c :1"},
		{Line: 9, Since: nginx.Version{1, 29, 0}, Text: "dial d :1"}, {Line: 10, Before: nginx.Version{1, 29, 0}, Text: "refuses :1"}}
	if !reflect.DeepEqual(s.Commands, want) {
		t.Errorf("got commands %+v, want %+v", s.Commands, want)
	}
	if len(s.Files) != 1 || s.Files[0].Name != "nginx.conf" {
		t.Errorf("got files %+v", s.Files)
	}
}

func TestParseScriptRefuses(t *testing.T) {
	for name, row := range map[string]struct{ text, want string }{
		"no statement":  {"page: a.html\nstart\n", "what is documented"},
		"no page":       {"# x\nstart\n", "documentation page"},
		"no commands":   {"# x\npage: a.html\n", "no commands"},
		"only whom":     {"# x\npage: a.html\nonly: nginx\nstart\n", "3: got only: nginx"},
		"no version":    {"# x\npage: a.html\nnginx: new\nstart\n", "3: got nginx: new"},
		"what need":     {"# x\npage: a.html\nneeds: gold\nstart\n", "3: got needs: gold"},
		"label version": {"# x\npage: a.html\n[before 1.2] start\n", "three numbers"},
		"short version": {"# x\npage: a.html\nnginx: since 1.25\nstart\n", "three numbers"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseScript("x", []byte(row.text))
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got %v, want %q in it", err, row.want)
			}
		})
	}
}

func TestSplitWords(t *testing.T) {
	for text, want := range map[string][]string{
		`send c hello`:         {"send", "c", "hello"},
		`a  'b c' "d\r\n\x00"`: {"a", "b c", "d\r\n\x00"},
		`id="x y" ''`:          {"id=x y", ""},
		`'a\b'"c"d`:            {`a\bcd`},
		`"it's"`:               {"it's"},
	} {
		got, err := splitWords(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{`'a`, `"a`, `"\q"`} {
		if got, err := splitWords(text); err == nil {
			t.Errorf("%s: got %q, want an error", text, got)
		}
	}
}
