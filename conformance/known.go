package conformance

import (
	"fmt"
	"strings"
)

// Differences lists where a program differs from nginx on purpose: reasons by "PAGE/SCRIPT" or
// "PAGE/SCRIPT[LABEL]".
type Differences map[string]string

// ParseDifferences parses known_differences.txt or angie.txt, whose first lines document the
// format.
func ParseDifferences(text string) (Differences, error) {
	d := Differences{}
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, reason, ok := strings.Cut(line, ": ")
		if !ok {
			return nil, fmt.Errorf("line %d: want PAGE/SCRIPT: REASON", i+1)
		}
		d[key] = reason
	}
	return d, nil
}

// Of returns the reason why weir differs in the labelled command, or in the whole script when label is empty. nginx never differs.
func (d Differences) Of(sub *Subject, script, label string) (reason string, listed bool) {
	if !sub.isWeir() {
		return "", false
	}
	if label != "" {
		script += "[" + label + "]"
	}
	reason, listed = d[script]
	return reason, listed
}

// Stale returns an error for every key that names no script and no label.
func (d Differences) Stale(scripts []*Script) []error {
	exists := map[string]bool{}
	for _, s := range scripts {
		exists[s.Name] = true
		for _, c := range s.Commands {
			exists[s.Name+"["+c.Label+"]"] = true
		}
	}
	var stale []error
	for key := range d {
		if !exists[key] {
			stale = append(stale, fmt.Errorf("known difference %s names no script", key))
		}
	}
	return stale
}

// mustDiffer inverts the outcome of a listed difference: agreement is the failure.
func mustDiffer(err error, reason string) error {
	if err == nil {
		return fmt.Errorf("is a known difference (%s) but does not differ", reason)
	}
	return nil
}
