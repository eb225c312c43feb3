package main

import (
	"math"
	"regexp"
	"strconv"

	"weir/conformance/nginx"
)

// An outcome says how the two verdicts compare.
type outcome struct {
	class  class
	reason string // of what is not plain agreement or disagreement
}

type class int

const (
	agrees  class = iota
	differs       // for no reason that is known
	purpose       // on purpose
	newer         // weir follows a later nginx, or another edition
	refused       // weir does not serve the directive or parameter, and says so
	numClasses
)

// refusal is how weir refuses what it knows and does not serve.
var refusal = regexp.MustCompile(`not supported by weir`)

// tableWords are how nginx begins the sentences that its tables make it say, before a directive's own code is asked.
var tableWords = regexp.MustCompile(`^\[emerg\] (unknown directive|directive "|invalid number of arguments|"\S+" directive is (not allowed here|duplicate))`)

func (r *result) classify(b *nginx.Build) outcome {
	if r.weir.String() == r.nginx.String() {
		return outcome{class: agrees}
	}
	if r.isRefused() {
		return outcome{class: refused}
	}
	for _, rule := range rules {
		if rule.appliesTo(b) && rule.holds(r) {
			return outcome{rule.class, rule.reason}
		}
	}
	return outcome{class: differs}
}

// foundLate is what nginx finds at the end of a block, and reports for a line before it.
var foundLate = regexp.MustCompile(`^\[emerg\] (no "ssl_certificate" is defined for the "listen \.\.\. ssl" directive|no port in upstream )`)

// isRefused reports whether weir refuses what it does not serve, where nginx had not found a fault before, and its tables find none
// there.
func (r *result) isRefused() bool {
	weir, nginx := r.weir.firstError(), r.nginx.firstError()
	if !refusal.MatchString(weir) {
		return false
	}
	if foundLate.MatchString(nginx) {
		return true
	}
	return lineOf(weir) < lineOf(nginx) || lineOf(weir) == lineOf(nginx) && !tableWords.MatchString(nginx)
}

var placed = regexp.MustCompile(` in /p/nginx\.conf:(\d+)$`)

// lineOf is the line that a sentence names; one after all others if it names none.
func lineOf(sentence string) int {
	if found := placed.FindStringSubmatch(sentence); found != nil {
		if n, err := strconv.Atoi(found[1]); err == nil {
			return n
		}
	}
	return math.MaxInt
}
