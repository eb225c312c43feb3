package conf

import (
	"slices"
	"testing"
)

// zoned is the settings of a module that declares zones.
type zoned struct{}

// zoner returns a module with the directives "a NAME [SIZE]" and "b NAME [SIZE]", which declare zones
// for different uses.
func zoner() Module {
	declare := func(_ *zoned, call *Call) {
		var size int64
		if len(call.Args()) > 1 {
			size, _ = ParseSize(call.Arg(1))
		}
		call.Zones().Declare(call.Arg(0), size, call.Dir.Name.Text)
	}
	return module("zoner", &Settings[zoned]{Of: Main, Entries: []Entry[zoned]{
		{Name: "a", In: Main, Args: Take(1, 2), Repeat: true, Set: declare},
		{Name: "b", In: Main, Args: Take(1, 2), Repeat: true, Set: declare},
	}})
}

// TestZones compares the messages with those of ngx_shared_memory_add.
func TestZones(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
		unsized    []string
	}{
		{"one size", "a x 1m; a x 1m; a x;", nil, nil},
		{"size later", "a x; a x 1m; a x 1m;", nil, nil},
		{"no size", "a y; a x; b z 1m;", nil, []string{"y", "x"}},
		{"names differ in case", "a x 1m; b X 1m;", nil, nil},
		{"other size", "a x 1m;\na x 2m;",
			[]string{`emerg: the size 2097152 of shared memory zone "x" conflicts with already declared size 1048576 in /t.conf:2`}, nil},
		{"other use", "a x 1m;\nb x 1m;",
			[]string{`emerg: the shared memory zone "x" is already declared for a different use in /t.conf:2`}, nil},
		{"other use before other size", "a x 1m; b x 2m;",
			[]string{`emerg: the shared memory zone "x" is already declared for a different use in /t.conf:1`}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := compile(t, tt.text, zoner())
			if got := said(c); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := c.UnsizedZones(); !slices.Equal(got, tt.unsized) {
				t.Errorf("without a size: got %q, want %q", got, tt.unsized)
			}
		})
	}
}
