package directives

import (
	"regexp"
	"testing"

	"weir/directives/conf"
)

// A trial is a configuration with one error, to compare nginx and weir.
type trial struct{ name, conf string }

// trialsOf returns the errors in the use of the row's directive that nginx detects by its own
// tables.
func trialsOf(t *testing.T, r *conf.Row) []trial {
	t.Helper()
	in := firstPlace(r)
	block := r.Body != conf.Simple
	all := []trial{
		{"wrong ending", place(in, written(r.Name, words(1), !block))},
		{"too many", place(in, written(r.Name, words(mostTried), block))},
		{"none", place(in, written(r.Name, nil, block))},
	}
	for _, p := range places {
		if everywhere(r.Name)&p.context == 0 && p.context != conf.Mgmt {
			all = append(all, trial{"in " + p.name, place(p.context, written(r.Name, words(1), block))})
		}
	}
	if r.Support != conf.Refused && !r.Repeat {
		all = append(all, trial{"twice", duplicate(r, in)})
	}
	return all
}

// tableWords matches the beginnings of the messages that nginx's tables produce. Messages from the
// code of a directive are not compared here: nginx may print one where weir refuses the directive
// as not supported yet.
var tableWords = regexp.MustCompile(`^(directive "|invalid number of arguments|"\S+" directive is (not allowed here|duplicate))`)

// oneIn is the number of trials for each one that runs; every run selects the same ones.
const oneIn = 5

// TestNginxAgrees runs a sample of the trials on nginx, and compares the message and the line.
func TestNginxAgrees(t *testing.T) {
	if testing.Short() {
		t.Skip("runs nginx many times")
	}
	o := newOracle(t)
	number := 0
	for _, r := range o.knows(t) {
		for _, c := range trialsOf(t, r) {
			if number++; number%oneIn != 0 {
				continue
			}
			t.Run(r.Module+" "+r.Name+" "+c.name, func(t *testing.T) {
				t.Parallel()
				said := o.says(t, c.conf)
				if got := firstError(t, c.conf); tableWords.MatchString(said) && got != said {
					t.Errorf("weir says %q, nginx says %q, for\n%s", got, said, c.conf)
				}
			})
		}
	}
}
