//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"os"
)

// compare measures everything that the options request, and reports its progress on progress.
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

// bench starts the broker and returns the bench in front of it, and a function that stops the
// broker.
func (o *options) bench(dir string) (*bench, func(), error) {
	limit, err := descriptorLimit()
	if err != nil {
		return nil, nil, err
	}
	broker, err := startBroker()
	if err != nil {
		return nil, nil, err
	}
	return &bench{scale: o.scale, timeout: o.timeout, dir: dir, broker: broker.port, limit: limit}, broker.stop, nil
}

// rounds measures round by round, so that a longer disturbance of the machine affects all subjects.
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

// round measures each subject once, with a different one first in each round. All run at the same
// time and the load alternates between them in small turns, so that a short disturbance of the
// machine affects all; but a subject runs alone if sessions are held open, because there are not
// enough descriptors for all.
func (b *bench) round(ctx context.Context, round int, t test, v variant, subjects []*subject, r *report) error {
	var there []*subject
	for i := range subjects {
		s := subjects[(i+round)%len(subjects)]
		if s.bin == "" && (v != (variant{}) || t.needsTLS()) || s.tcpOnly && t.block.udp() {
			continue
		}
		there = append(there, s)
	}
	if !t.fresh && v.idle == 0 {
		return b.measureTogether(ctx, round, t, v, there, r)
	}
	for _, s := range there {
		if err := b.measureTogether(ctx, round, t, v, []*subject{s}, r); err != nil {
			return err
		}
	}
	return nil
}

// measureTogether measures subjects that run at the same time. A failed measurement is noted, and the
// others continue.
func (b *bench) measureTogether(ctx context.Context, round int, t test, v variant, subjects []*subject, r *report) error {
	var trials []*trial
	for _, s := range subjects {
		trials = append(trials, b.begin(ctx, t, s, v))
	}
	turns := b.scale.turns
	if t.fresh {
		turns = 1
	}
	part := t.load(b.scale.part(turns))
	for turn := range turns {
		for i := range trials {
			b.turn(ctx, trials[(turn+i)%len(trials)], part)
		}
	}
	for _, one := range trials {
		one.end()
		if one.err != nil {
			r.fail(round+1, t, one.subject, v, one.err)
			continue
		}
		r.Samples = append(r.Samples, sample{Round: round + 1, Test: t.name, Subject: one.name, Variant: v.name(), Values: one.values(t)})
	}
	return ctx.Err()
}
