package web

import "testing"

// TestFind selects among locations of all kinds. The conformance scripts compare the order with nginx.
func TestFind(t *testing.T) {
	vars := NewVarTable()
	re, err := vars.Regex(`\.x$`, false)
	if err != nil {
		t.Fatal(err)
	}
	pattern := &Location{Kind: Matching, Name: "pattern", Pattern: re}
	inner := &Location{Kind: DecisivePrefix, Name: "/p/in"}
	all := NewLocations([]*Location{
		{Kind: Prefix, Name: "/p", Inner: NewLocations([]*Location{inner})},
		{Kind: Exact, Name: "/p"}, {Kind: DecisivePrefix, Name: "/d"}, {Kind: Named, Name: "@n"}, pattern, {Kind: Prefix, Name: "/p/long"},
	})
	base := &Location{Name: "base"}
	for uri, want := range map[string]string{
		"/p": "/p", "/p/a": "/p", "/p/long/a": "/p/long", "/p/in/a": "/p/in", "/p/in/a.x": "pattern", "/d/a.x": "/d",
		"/other": "base", "/a.x": "pattern", "@n": "base",
	} {
		r := request(t, vars, "")
		r.URI = uri
		got, _ := all.find(r, base)
		if got.Name != want {
			t.Errorf("%s: got %s, want %s", uri, got.Name, want)
		}
		if uri == "/p" && got.Kind != Exact {
			t.Error("the exact location is not preferred")
		}
	}
}

func TestLimitExceptAllowsHEADWithGET(t *testing.T) {
	e := &Except{Methods: []string{"GET", "POST"}}
	for method, want := range map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": false, "get": false} {
		if e.allows(method) != want {
			t.Errorf("%s is allowed: %v", method, !want)
		}
	}
}
