package parser

import (
	"strings"
	"testing"
)

// TestGrammarTakesWholeText parses a text of several segments at once, as participle does by default.
func TestGrammarTakesWholeText(t *testing.T) {
	text := strings.Repeat("a b;", segmentTokens) + "c {} d e"
	seg, err := grammar.Parse("/f", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(seg.Statements.list), segmentTokens+2; got != want {
		t.Errorf("got %d statements, want %d", got, want)
	}
	if want := `unexpected end of file, expecting ";" or "}"`; seg.Fault.Value != want {
		t.Errorf("got fault %q, want %q", seg.Fault.Value, want)
	}
}

// TestSegmentsEndBetweenStatements loads statements, some of which are longer than a segment.
func TestSegmentsEndBetweenStatements(t *testing.T) {
	long := "a" + strings.Repeat(" b", 3*segmentTokens) + ";"
	text := strings.Repeat("c { d; } ", segmentTokens) + long + "e { " + long + strings.Repeat("f;", segmentTokens) + " }"
	tree, list := Load(Source{Path: "/f", Text: []byte(text)})
	if list != nil {
		t.Fatal(list)
	}
	top := tree.Root.Directives
	if len(top) != segmentTokens+2 {
		t.Fatalf("got %d directives, want %d", len(top), segmentTokens+2)
	}
	if got := len(top[segmentTokens].Args); got != 3*segmentTokens {
		t.Errorf("got %d arguments, want %d", got, 3*segmentTokens)
	}
	if got := len(top[segmentTokens+1].Body.Directives); got != segmentTokens+1 {
		t.Errorf("got %d directives in the last block, want %d", got, segmentTokens+1)
	}
}
