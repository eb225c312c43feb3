//go:build linux

package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"time"

	"weir/bench/load"
	"weir/bench/proc"
)

// A bench is the environment of the measurements.
type bench struct {
	scale   scale
	timeout time.Duration // of one turn
	dir     string        // for the subjects' files
	broker  uint16        // its port
	limit   uint64        // of descriptors
}

// A trial is a subject under a variant, with the results of a test so far.
type trial struct {
	*subject
	target *load.Target
	proc   *process // nil measures the broker without a proxy
	meter  *meter
	got    reading
	err    error    // the first error; if set, there are no figures
	undo   []func() // run by end in reverse order
}

// begin starts the subject and sets up the variant.
func (b *bench) begin(ctx context.Context, t test, s *subject, v variant) *trial {
	r := &trial{subject: s, target: &load.Target{Addrs: servers(v.serverCount(), b.broker), Sources: sources()}}
	if s.bin == "" {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	if r.err = b.start(ctx, r, t, v); r.err == nil {
		r.err = b.prepare(ctx, r, t, v)
	}
	return r
}

func (b *bench) start(ctx context.Context, r *trial, t test, v variant) error {
	dir, err := os.MkdirTemp(b.dir, r.name+"-")
	if err != nil {
		return err
	}
	r.undo = append(r.undo, func() { os.RemoveAll(dir) })
	port, err := freePort()
	if err != nil {
		return err
	}
	at := b.site(dir, netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port), v)
	at.WithTLS = t.needsTLS()
	if r.proc, err = start(ctx, r.subject, at); err != nil {
		return err
	}
	r.undo = append(r.undo, r.proc.stop)
	r.meter = &meter{pid: r.proc.pid()}
	r.target.Addrs, r.target.Meter = []netip.AddrPort{t.block.at(at.Listen)}, r.meter
	if t.block.tls() {
		r.target.TLS = clientTLS(t.resumes)
	}
	return nil
}

func (b *bench) site(dir string, listen netip.AddrPort, v variant) site {
	sessions := max(b.scale.idle, v.idle) + spare/2
	descriptors := int(min(uint64(2*sessions+100), b.limit))
	return site{
		Dir:         dir,
		Listen:      mqtt.at(listen),
		Datagrams:   datagrams.at(listen),
		Singles:     singleDatagrams.at(listen),
		TLS:         mqttTLS.at(listen),
		RSA:         mqttRSA.at(listen),
		Servers:     servers(v.serverCount(), b.broker),
		Classes:     classes(v.mapEntries),
		Workers:     workers,
		Sessions:    min(sessions, (descriptors-100)/2),
		Descriptors: descriptors,
	}
}

func (b *bench) prepare(ctx context.Context, r *trial, t test, v variant) error {
	unmeasured := &load.Target{Addrs: r.target.Addrs, Sources: r.target.Sources, TLS: r.target.TLS}
	if err := r.proc.reload(ctx, v.reloads, r.reload); err != nil {
		return err
	}
	if v.idle > 0 {
		held, err := load.Hold(ctx, unmeasured, v.idle)
		if err != nil {
			return fmt.Errorf("idle sessions: %w", err)
		}
		r.undo = append(r.undo, held.Close)
	}
	if !t.fresh {
		if _, err := t.warmUp(b.scale).Run(ctx, unmeasured); err != nil {
			return fmt.Errorf("warming up: %w", err)
		}
	}
	return r.proc.quiet(ctx)
}

// turn puts the load on the subject once more, unless an earlier turn failed.
func (b *bench) turn(ctx context.Context, r *trial, l loader) {
	if r.err != nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	result, err := l.Run(ctx, r.target)
	r.got.Add(result)
	r.err = err
}

// values returns the figures of the test.
func (r *trial) values(t test) map[string]float64 {
	if r.meter != nil {
		r.got.cpu, r.got.usage = r.meter.cpu, r.meter.usage
	}
	values := map[string]float64{}
	for _, f := range t.figures {
		if r.proc != nil || f.direct {
			values[f.key] = f.of(r.got)
		}
	}
	return values
}

// end stops everything that the trial has started, and adds the program's output to an error.
func (r *trial) end() {
	if r.err != nil && r.proc != nil {
		r.err = fmt.Errorf("%w\n%s", r.err, r.proc.printed())
	}
	for _, undo := range slices.Backward(r.undo) {
		undo()
	}
}

// A meter measures a process and its children from each Begin to its End.
type meter struct {
	pid   int
	cpu   time.Duration // sum over all turns
	usage proc.Usage    // of the last turn

	cpuBefore   proc.CPU
	usageBefore proc.Usage
}

// Begin reads the memory first: reading it disturbs the process.
func (m *meter) Begin() error {
	pids, err := proc.Tree(m.pid)
	if err != nil {
		return err
	}
	if m.usageBefore, err = proc.UsageOf(pids); err != nil {
		return err
	}
	m.cpuBefore, err = proc.CPUOf(pids)
	return err
}

// End reads the CPU time first, for the same reason.
func (m *meter) End() error {
	pids, err := proc.Tree(m.pid)
	if err != nil {
		return err
	}
	cpu, err := proc.CPUOf(pids)
	if err != nil {
		return err
	}
	used, err := cpu.Since(m.cpuBefore)
	if err != nil {
		return err
	}
	m.cpu += used
	after, err := proc.UsageOf(pids)
	m.usage = after.Sub(m.usageBefore)
	return err
}
