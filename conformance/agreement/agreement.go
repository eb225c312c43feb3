package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"weir/conformance/nginx"
)

// A result is the output of both programs for a trial.
type result struct {
	trial
	weir, nginx verdict
	outcome     outcome
}

// A bench runs both programs on the same trial.
type bench struct {
	weir, nginx *program
	build       *nginx.Build
}

// newBenches creates n benches below root.
func newBenches(root string, s *subjects, n int) ([]*bench, error) {
	var all []*bench
	for i := range n {
		weir, err := newProgram(s.weir, s.build, root, fmt.Sprintf("w%d", i))
		if err != nil {
			return nil, err
		}
		real, err := newProgram(s.nginx, s.build, root, fmt.Sprintf("n%d", i))
		if err != nil {
			return nil, err
		}
		all = append(all, &bench{weir, real, s.build})
	}
	return all, nil
}

func (b *bench) compare(ctx context.Context, t trial) (result, error) {
	weir, err := b.weir.test(ctx, t)
	if err != nil {
		return result{}, err
	}
	real, err := b.nginx.test(ctx, t)
	if err != nil {
		return result{}, err
	}
	r := result{trial: t, weir: weir, nginx: real}
	r.outcome = r.classify(b.build)
	return r, nil
}

// compareAll runs every trial on both programs, with one goroutine for each bench.
func compareAll(ctx context.Context, benches []*bench, trials []trial) ([]result, error) {
	results := make([]result, len(trials))
	errs := make([]error, len(benches))
	var next atomic.Int64
	var all sync.WaitGroup
	for i, b := range benches {
		all.Go(func() {
			for errs[i] == nil {
				n := int(next.Add(1)) - 1
				if n >= len(trials) {
					return
				}
				results[n], errs[i] = b.compare(ctx, trials[n])
			}
		})
	}
	all.Wait()
	return results, errors.Join(errs...)
}

// subjects are the two programs.
type subjects struct {
	weir, nginx string
	build       *nginx.Build
}

// findSubjects returns weir, from WEIR_BIN, and nginx, with the stream modules that it can load.
func findSubjects() (*subjects, error) {
	s := &subjects{weir: os.Getenv("WEIR_BIN"), nginx: nginx.Path()}
	if s.weir == "" {
		return nil, errors.New("WEIR_BIN must name the binary of weir")
	}
	var err error
	if s.build, err = nginx.About(s.nginx); err != nil {
		return nil, fmt.Errorf("%w (install nginx and libnginx-mod-stream)", err)
	}
	s.weir, err = filepath.Abs(s.weir)
	return s, err
}
