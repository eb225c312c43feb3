// Command agreement runs -t of weir and nginx on thousands of configurations, most of them wrong,
// and compares all output.
//
//	WEIR_BIN=bin/weir go run ./conformance/agreement -write docs/agreement.md
//
// The configurations are generated from the list of documented directives: every directive in every
// context with 0 to 4 arguments, with words of every kind at every position of its syntax, in
// pairs; blocks with wrong lines; damaged texts; and random whole configurations. The random seed
// is fixed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime"
	"syscall"
)

// options are those of the command line.
type options struct {
	listing string
	write   string
	only    string
	oneIn   int
	jobs    int
}

func main() {
	var o options
	flag.StringVar(&o.listing, "directives", "directives/testdata/directives.tsv", "the list of documented directives")
	flag.StringVar(&o.write, "write", "", "write the page to this `file`")
	flag.StringVar(&o.only, "only", "", "try only what this regular `expression` matches in \"PAGE NAME\"")
	flag.IntVar(&o.oneIn, "every", 1, "try one of so many")
	flag.IntVar(&o.jobs, "jobs", runtime.NumCPU(), "how many run at once")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "agreement:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	s, err := findSubjects()
	if err != nil {
		return err
	}
	root, err := os.MkdirTemp("", "agreement")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	benches, err := newBenches(root, s, o.jobs)
	if err != nil {
		return err
	}
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	trials, err := trialsFor(ctx, benches[0], o.listing)
	if err != nil {
		return err
	}
	chosen := choose(trials, only, o.oneIn)
	results, err := compareAll(ctx, benches, chosen)
	if err != nil {
		return err
	}
	report := newReport(s.build.Name(), results)
	report.made = len(trials)
	report.writeDifferences(os.Stdout)
	report.writeTotals(os.Stdout)
	if o.write == "" {
		return nil
	}
	return report.writePage(o.write)
}

// choose keeps about one in n of the trials that match.
func choose(trials []trial, only *regexp.Regexp, oneIn int) (chosen []trial) {
	roll := newRandom("a sample", 0)
	for _, t := range trials {
		if roll.IntN(oneIn) == 0 && only.MatchString(t.page+" "+t.name) {
			chosen = append(chosen, t)
		}
	}
	return chosen
}

// trialsFor creates all trials, each configuration once, for the directives that both programs
// know.
func trialsFor(ctx context.Context, b *bench, listing string) ([]trial, error) {
	all, err := readListing(listing)
	if err != nil {
		return nil, err
	}
	known, served, err := b.findDifferences(ctx, all)
	if err != nil {
		return nil, err
	}
	var trials []trial
	for _, d := range known {
		trials = append(trials, arities(d)...)
	}
	for _, d := range served {
		trials = append(trials, values(d)...)
		trials = append(trials, mixtures(d)...)
	}
	trials = append(trials, pairs(served)...)
	trials = append(trials, blocks()...)
	trials = append(trials, texts()...)
	trials = append(trials, whole(served)...)
	return unique(trials), nil
}

func unique(trials []trial) (once []trial) {
	seen := map[string]bool{}
	for _, t := range trials {
		if key := t.globals + gap + t.conf; !seen[key] {
			seen[key] = true
			once = append(once, t)
		}
	}
	return once
}

// findDifferences finds the directives that nginx knows, and among them those that weir supports.
func (b *bench) findDifferences(ctx context.Context, all []*directive) (known, served []*directive, err error) {
	unknown := regexp.MustCompile(`unknown directive|is not allowed here`)
	for _, d := range all {
		if len(d.contexts) == 0 || d.name == "debug_connection" && !b.build.Debugs() { // such a build accepts it with any words
			continue
		}
		r, err := b.compare(ctx, d.in(d.contexts[0], d.right()))
		if err != nil {
			return nil, nil, err
		}
		if unknown.MatchString(r.nginx.firstError()) {
			continue
		}
		known = append(known, d)
		if !refusal.MatchString(r.weir.firstError()) {
			served = append(served, d)
		}
	}
	return known, served, nil
}
