//go:build linux

package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"time"

	"weir/conformance/bench/load"
	"weir/conformance/bench/proc"
)

// A bench is where measurements are made, one at a time.
type bench struct {
	scale   scale
	timeout time.Duration // of one measurement
	dir     string        // for what the subjects write
	broker  uint16        // its port
	port    uint16        // of the subject
	limit   uint64        // of descriptors
}

// measure runs one test on one subject, started for it and ended after it.
func (b *bench) measure(ctx context.Context, t test, s *subject, v variant) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	if s.bin == "" {
		return b.onBroker(ctx, t, v)
	}
	dir, err := os.MkdirTemp(b.dir, s.name+"-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	p, err := start(ctx, s, b.site(dir, v))
	if err != nil {
		return nil, err
	}
	defer p.stop()
	got, err := b.onProcess(ctx, t, s, v, p)
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, p.printed())
	}
	return got, nil
}

func (b *bench) site(dir string, v variant) site {
	sessions := max(b.scale.idle, v.idle) + spare/2
	descriptors := int(min(uint64(2*sessions+100), b.limit))
	return site{
		Dir:         dir,
		Listen:      b.listen(),
		Servers:     servers(v.serverCount(), b.broker),
		Classes:     classes(v.mapEntries),
		Workers:     workers,
		Sessions:    min(sessions, (descriptors-100)/2),
		Descriptors: descriptors,
	}
}

func (b *bench) listen() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), b.port)
}

// onBroker runs the test without a proxy.
func (b *bench) onBroker(ctx context.Context, t test, v variant) (map[string]float64, error) {
	target := &load.Target{Addrs: servers(v.serverCount(), b.broker), Sources: sources()}
	r, err := t.load(b.scale).Run(ctx, target)
	if err != nil {
		return nil, err
	}
	got := map[string]float64{}
	for _, f := range t.figures {
		if f.direct {
			got[f.key] = f.of(reading{Result: r})
		}
	}
	return got, nil
}

// onProcess brings the process into the circumstances of the variant and runs the test.
func (b *bench) onProcess(ctx context.Context, t test, s *subject, v variant, p *process) (map[string]float64, error) {
	target := &load.Target{Addrs: []netip.AddrPort{b.listen()}, Sources: sources()}
	if err := p.reload(ctx, v.reloads, s.reload); err != nil {
		return nil, err
	}
	if v.idle > 0 {
		held, err := load.Hold(ctx, target, v.idle)
		if err != nil {
			return nil, fmt.Errorf("idle sessions: %w", err)
		}
		defer held.Close()
	}
	if !t.fresh {
		if _, err := (load.Storm{Sessions: b.scale.warmUp, AtOnce: stormAtOnce}).Run(ctx, target); err != nil {
			return nil, fmt.Errorf("warming up: %w", err)
		}
	}
	if err := p.quiet(ctx); err != nil {
		return nil, err
	}
	return b.read(ctx, t, target, p)
}

// read runs the test and takes its figures.
func (b *bench) read(ctx context.Context, t test, target *load.Target, p *process) (map[string]float64, error) {
	m := &meter{pid: p.pid()}
	target.Meter = m
	r, err := t.load(b.scale).Run(ctx, target)
	if err != nil {
		return nil, err
	}
	got := map[string]float64{}
	for _, f := range t.figures {
		got[f.key] = f.of(reading{Result: r, cpu: m.cpu, usage: m.usage})
	}
	return got, nil
}

// A meter measures a process and its children from Begin to End.
type meter struct {
	pid   int
	cpu   time.Duration
	usage proc.Usage

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
	if m.cpu, err = cpu.Since(m.cpuBefore); err != nil {
		return err
	}
	after, err := proc.UsageOf(pids)
	m.usage = after.Sub(m.usageBefore)
	return err
}
