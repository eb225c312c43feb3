package main

import (
	"math"
	"regexp"
	"strconv"

	"weir/conformance/nginx"
)

// An outcome classifies the difference between two verdicts.
type outcome struct {
	class  class
	reason string // empty for plain agreement or disagreement
}

type class int

const (
	agrees  class = iota
	differs       // without a known reason
	purpose       // on purpose
	newer         // weir follows a later nginx, or another edition
	refused       // weir reports that it does not support the directive or parameter
	numClasses
)

// refusal matches weir's message for something it knows but does not support.
var refusal = regexp.MustCompile(`not supported by weir`)

// tableWords are the beginnings of messages that nginx's directive tables produce before the
// directive's own code runs.
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

// foundLate matches errors that nginx finds at the end of a block and reports for an earlier line.
var foundLate = regexp.MustCompile(`^\[emerg\] (no "ssl_certificate" is defined for the "listen \.\.\. ssl" directive|no port in upstream )`)

// isRefused reports whether weir refuses something it does not support, at a point where nginx has
// not found an error yet and its tables find none.
func (r *result) isRefused() bool {
	ours, theirs := r.weir.firstError(), r.nginx.firstError()
	if !refusal.MatchString(ours) {
		return false
	}
	if foundLate.MatchString(theirs) {
		return true
	}
	return lineOf(ours) < lineOf(theirs) || lineOf(ours) == lineOf(theirs) && !tableWords.MatchString(theirs)
}

var placed = regexp.MustCompile(` in /p/nginx\.conf:(\d+)$`)

// lineOf returns the line that a message names; a message that names none sorts last.
func lineOf(sentence string) int {
	if found := placed.FindStringSubmatch(sentence); found != nil {
		if n, err := strconv.Atoi(found[1]); err == nil {
			return n
		}
	}
	return math.MaxInt
}
