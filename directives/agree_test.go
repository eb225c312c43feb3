package directives

import (
	"regexp"
	"testing"

	"weir/directives/conf"
)

// A trial is a configuration that is wrong in one way, for nginx and weir to judge.
type trial struct{ name, conf string }

// trialsOf are the ways in which the row's directive can be wrong that nginx's own tables decide.
func trialsOf(t *testing.T, r *conf.Row) []trial {
	t.Helper()
	in, _ := firstPlace(r)
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

// tableWords are how nginx begins the sentences that its tables make it say. What other code of a directive says is not compared
// here: it may come before weir's refusal of what it does not serve.
var tableWords = regexp.MustCompile(`^(directive "|invalid number of arguments|"\S+" directive is (not allowed here|duplicate))`)

// oneIn is how many trials there are for each that is made; the choice is the same in every run.
const oneIn = 5

// TestNginxAgrees makes a sample of the trials on nginx, and compares the sentence and the line.
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
