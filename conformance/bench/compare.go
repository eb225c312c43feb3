//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// compare measures everything that the options ask for, and says on progress how far it is.
func compare(ctx context.Context, o *options, progress io.Writer) (*report, error) {
	var notes notes
	if err := raiseDescriptors(); err != nil {
		return nil, err
	}
	if o.system {
		defer prepareSystem(&notes)()
	}
	noteLoad(&notes)
	dir, err := os.MkdirTemp("", "weir-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	subjects, err := findSubjects(ctx, o.subjects, dir, &notes)
	if err != nil {
		return nil, err
	}
	b, stop, err := o.bench(dir)
	if err != nil {
		return nil, err
	}
	defer stop()
	r := newReport(o, subjects, o.variants(b.limit, &notes))
	err = b.rounds(ctx, o, subjects, r, progress)
	r.Notes = append(notes, r.Notes...)
	return r, err
}

// bench starts the broker and returns the bench before it, with what ends the broker.
func (o *options) bench(dir string) (*bench, func(), error) {
	limit, err := descriptorLimit()
	if err != nil {
		return nil, nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, nil, err
	}
	broker, err := startBroker()
	if err != nil {
		return nil, nil, err
	}
	return &bench{scale: o.scale, timeout: o.timeout, dir: dir, broker: broker.port, port: port, limit: limit}, broker.stop, nil
}

// rounds measures round by round, so that what disturbs the machine for a while disturbs everybody.
func (b *bench) rounds(ctx context.Context, o *options, subjects []*subject, r *report, progress io.Writer) error {
	for round := range o.rounds {
		for _, t := range o.tests {
			for _, v := range r.variants {
				if v != (variant{}) && !t.grows {
					continue
				}
				fmt.Fprintf(progress, "round %d of %d: %s %s\n", round+1, o.rounds, t.name, v.name())
				if err := b.round(ctx, round, t, v, subjects, r); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// round measures each subject once, in each round with another one first. A measurement that fails is noted, and the others go on.
func (b *bench) round(ctx context.Context, round int, t test, v variant, subjects []*subject, r *report) error {
	for i := range subjects {
		s := subjects[(i+round)%len(subjects)]
		if s.bin == "" && v != (variant{}) {
			continue
		}
		got, err := b.measure(ctx, t, s, v)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.fail(round+1, t, s, v, err)
			continue
		}
		r.Samples = append(r.Samples, sample{Round: round + 1, Test: t.name, Subject: s.name, Variant: v.name(), Values: got})
	}
	return nil
}
