package main

import (
	"fmt"
	"io"
)

// A report counts results.
type report struct {
	program string // weir is compared with it
	results []result
	made    int      // number of trials, executed or not
	pages   []string // in the order of their first trial
	counts  map[string]*tally
	total   tally
}

// A tally counts the trials of each class.
type tally [numClasses]int

func newReport(program string, results []result) *report {
	r := &report{program: program, results: results, counts: map[string]*tally{}}
	for _, one := range results {
		if r.counts[one.page] == nil {
			r.pages = append(r.pages, one.page)
			r.counts[one.page] = &tally{}
		}
		r.counts[one.page][one.outcome.class]++
		r.total[one.outcome.class]++
	}
	return r
}

// judged returns the number of configurations that both programs could test.
func (n tally) judged() int { return n[agrees] + n[purpose] + n[differs] }

// share returns the part of the judged configurations in which both agree.
func (n tally) share() string { return share(n[agrees], n.judged()) }

// share returns n as a percentage of all, rounded down.
func share(n, all int) string {
	if all == 0 {
		return "-"
	}
	hundredths := 10000 * n / all
	return fmt.Sprintf("%d.%02d%%", hundredths/100, hundredths%100)
}

// differences returns the results without a reason.
func (r *report) differences() (all []*result) {
	for i := range r.results {
		if r.results[i].outcome.class == differs {
			all = append(all, &r.results[i])
		}
	}
	return all
}

// writeDifferences writes every difference with its configuration.
func (r *report) writeDifferences(w io.Writer) {
	for _, one := range r.differences() {
		fmt.Fprintf(w, "--- %s %s\n%s\nweir says\n%s\nnginx says\n%s\n\n", one.page, one.name, one.conf, one.weir, one.nginx)
	}
}

// writeTotals writes a summary line.
func (r *report) writeTotals(w io.Writer) {
	n := r.total
	fmt.Fprintf(w, "%d configurations: %d judged, agreement %s; %d differ on purpose, %d differ; ",
		len(r.results), n.judged(), n.share(), n[purpose], n[differs])
	fmt.Fprintf(w, "%d follow a later nginx, %d not served\n", n[newer], n[refused])
}
