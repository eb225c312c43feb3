package conf

import (
	"fmt"
	"slices"
	"testing"
)

// TestSlots compares each setter with nginx's ngx_conf_set_*_slot: the accepted values, and the
// message for others.
func TestSlots(t *testing.T) {
	tests := []struct {
		text string
		want string // the value, or the message
	}{
		{"flag on;", "true"},
		{"flag OFF;", "false"},
		{"flag maybe;", `invalid value "maybe" in "flag" directive, it must be "on" or "off"`},
		{`flag "";`, `invalid value "" in "flag" directive, it must be "on" or "off"`},
		{"size 64k;", "65536"},
		{"size 1g;", `"size" directive invalid value`},
		{"offset 1g;", "1073741824"},
		{"offset -1;", `"offset" directive invalid value`},
		{"number 12;", "12"},
		{"number 12k;", `"number" directive invalid number`},
		{"msec 1500ms;", "1.5s"},
		{"msec 1M;", `"msec" directive invalid value`},
		{`string "a b";`, "a b"},
		{"enum TWO;", "2"},
		{"enum three;", `invalid value "three"`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			m := toy()
			c := compile(t, tt.text, m)
			got := set(At[toyConf](c.Main))
			if found := c.Diagnostics(); len(found) > 0 {
				got = append(got, found[0].Message)
			}
			if !slices.Equal(got, []string{tt.want}) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// set lists the settings that have been set.
func set(c *toyConf) (all []string) {
	all = appendSet(all, c.flag)
	all = appendSet(all, c.size)
	all = appendSet(all, c.offset)
	all = appendSet(all, c.number)
	all = appendSet(all, c.msec)
	all = appendSet(all, c.text)
	all = appendSet(all, c.enum)
	return all
}

func appendSet[T any](all []string, o Opt[T]) []string {
	if v, ok := o.Get(); ok {
		return append(all, fmt.Sprint(v))
	}
	return all
}

func TestOpt(t *testing.T) {
	var unset Opt[int]
	if unset.IsSet() || unset.Or(7) != 7 {
		t.Errorf("unset: got %v, Or(7) = %d", unset.IsSet(), unset.Or(7))
	}
	zero := Some(0)
	if !zero.IsSet() || zero.Or(7) != 0 {
		t.Errorf("set to zero: got %v, Or(7) = %d", zero.IsSet(), zero.Or(7))
	}
	zero.Inherit(Some(3))
	unset.Inherit(Some(3))
	if zero.Or(7) != 0 || unset.Or(7) != 3 {
		t.Errorf("after Inherit: got %d and %d, want 0 and 3", zero.Or(7), unset.Or(7))
	}
}
