package errorlog

import (
	"encoding/json"
	"errors"
	"strings"
	"syscall"
	"testing"
)

const jsonHead = `{"level":"error","timestamp":"2026-11-02T20:29:03.000+00:00","pid":42,"tid":42,`

func TestJSON(t *testing.T) {
	tests := []struct {
		name string
		conn uint64
		rec  Record
		want string
	}{
		{"plain", 0, Record{Msg: "reconfiguring"}, `"msg":"reconfiguring"}`},
		{"as documented", 3, Record{
			Msg: "connect() failed", Err: syscall.ECONNREFUSED,
			Tags: []Tag{{Name: "client", Text: "192.168.1.10"}, Number("bytes_to_client", 7)},
		}, `"cnum":3,"msg":"connect() failed","client":"192.168.1.10","bytes_to_client":7,"errno":111,"errtext":"Connection refused"}`},
		{"another reason", 0, Record{Msg: "a", Err: errors.New("b")}, `"msg":"a","errtext":"b"}`},
		{"an empty text", 0, Record{Msg: "a", Tags: []Tag{{Name: "upstream"}}}, `"msg":"a","upstream":""}`},
		{"escapes", 0, Record{Msg: "\"\\\n\x00\x7f\té\xff"}, `"msg":"\"\\\u000a\u0000\u007f\u0009é` + "\ufffd" + `"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r recorder
			l := New(testNow, 42)
			l.AddJSON(Error, &r)
			l.WriteRecord(Error, tt.conn, &tt.rec)
			if got, want := strings.Join(r.lines, ""), jsonHead+tt.want+"\n"; got != want {
				t.Errorf("got %s\nwant %s", got, want)
			}
		})
	}
}

// TestJSONIsCutAtTheLimit checks that an entry is valid JSON and never longer than 2 KB.
func TestJSONIsCutAtTheLimit(t *testing.T) {
	for _, text := range []string{"x", "\n", "é", "\xff"} {
		for n := 1700; n < 2100; n++ {
			var r recorder
			l := New(testNow, 42)
			l.AddJSON(Error, &r)
			l.WriteRecord(Error, 1, &Record{Msg: strings.Repeat(text, n), Tags: []Tag{Number("n", 12345)}, Err: syscall.EPIPE})
			line := r.lines[0]
			var entry struct {
				Msg       string
				Truncated int
				Errtext   string
			}
			if err := json.Unmarshal([]byte(line), &entry); err != nil || len(line) > maxLine {
				t.Fatalf("%d of %q: %d bytes, %v: %s", n, text, len(line), err, line)
			}
			if whole := entry.Errtext == "Broken pipe"; whole == (entry.Truncated == 1) {
				t.Fatalf("%d of %q: whole is %t: %s", n, text, whole, line)
			}
		}
	}
}

// TestTextAndJSON checks that each target gets its format, and that a line of another log is split
// into its fields.
func TestTextAndJSON(t *testing.T) {
	var text, js recorder
	l := New(testNow, 42)
	l.Add(Info, &text)
	l.AddJSON(Error, &js)
	l.Write(Error, 7, "whole")
	l.Write(Info, 0, "for the text alone")
	outer := New(testNow, 1)
	outer.Add(Debug, l)
	outer.Write(Error, 9, "passed: on #1")
	outer.Write(Error, 0, "*x no number")
	wantText := "2026/11/02 20:29:03 [error] 42#42: *7 whole\n2026/11/02 20:29:03 [info] 42#42: for the text alone\n" +
		"2026/11/02 20:29:03 [error] 1#1: *9 passed: on #1\n2026/11/02 20:29:03 [error] 1#1: *x no number\n"
	wantJSON := jsonHead + `"cnum":7,"msg":"whole"}` + "\n" + jsonHead + `"cnum":9,"msg":"passed: on #1"}` + "\n" + jsonHead +
		`"msg":"*x no number"}` + "\n"
	if got := strings.Join(text.lines, ""); got != wantText {
		t.Errorf("got text\n%swant\n%s", got, wantText)
	}
	if got := strings.Join(js.lines, ""); got != wantJSON {
		t.Errorf("got JSON\n%swant\n%s", got, wantJSON)
	}
}

// FuzzJSON checks that for any message the entry is valid JSON within the limit and contains
// nothing else than the message.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{"", "a\"b", "\x00\x1f\x7f", "é\xff\xfe", strings.Repeat("\\", 2000), `","level":"emerg`} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, msg, client string) {
		l := New(testNow, 42)
		b := l.appendJSON(nil, Error, 1, &Record{Msg: msg, Tags: []Tag{{Name: "client", Text: client}}})
		var entry map[string]any
		if err := json.Unmarshal(b, &entry); err != nil || len(b) > maxLine {
			t.Fatalf("%d bytes, %v: %q", len(b), err, b)
		}
		if entry["level"] != "error" {
			t.Fatalf("the level is %v: %q", entry["level"], b)
		}
	})
}
