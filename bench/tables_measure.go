//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"time"

	"weir/bench/load"
	"weir/bench/proc"
)

// A tableSite is the data for the configuration of one table.
type tableSite struct {
	Dir      string
	Module   string
	Listen   netip.AddrPort
	Workers  int
	Block    string
	Settings []string
}

func newTableSite(k tableKind, s *subject, dir string) (*tableSite, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err = os.MkdirTemp(dir, s.name+"-"+k.name+"-")
	if err != nil {
		return nil, err
	}
	at := &tableSite{
		Dir: dir, Module: s.module, Workers: workers, Block: k.block, Settings: k.settings,
		Listen: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port),
	}
	return at, render(filepath.Join(dir, "tables.conf"), "tables.conf", at)
}

func (at *tableSite) fill(all []entry) error { return writeTable(filepath.Join(at.Dir, "table"), all) }

func (at *tableSite) args(more ...string) []string {
	return append([]string{"-p", at.Dir, "-e", filepath.Join(at.Dir, "error.log"), "-c", filepath.Join(at.Dir, "tables.conf")}, more...)
}

// A tableTrial measures one subject with one kind of table.
type tableTrial struct {
	*subject
	kind   tableKind
	scale  scale
	dir    string
	large  []entry
	asks   []load.Question // for large
	values map[string]float64
}

// run measures all figures.
func (r *tableTrial) run(ctx context.Context) error {
	r.values = map[string]float64{}
	at, err := newTableSite(r.kind, r.subject, r.dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(at.Dir)
	if err := r.check(ctx, at, "empty", nil); err != nil {
		return err
	}
	if err := r.check(ctx, at, "t", r.large); err != nil {
		return err
	}
	begin := time.Now()
	p, err := launch(r.bin, at.args(), at.Dir)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := r.serving(ctx, p, at, begin); err != nil {
		return fmt.Errorf("%w\n%s", err, p.printed())
	}
	return nil
}

// check runs -t on the table. key is the prefix of the figures' names.
func (r *tableTrial) check(ctx context.Context, at *tableSite, key string, all []entry) error {
	if err := at.fill(all); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, r.bin, at.args("-t")...)
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("-t: %w\n%s", err, out)
	}
	r.values[key+"_wall_ms"] = milliseconds(time.Since(begin))
	r.values[key+"_cpu_ms"] = milliseconds(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime())
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// serving measures the figures of a program that has been started with the large table.
func (r *tableTrial) serving(ctx context.Context, p *process, at *tableSite, begin time.Time) error {
	if err := r.answered(ctx, p, at, r.asks[0]); err != nil {
		return err
	}
	r.values["start_ms"] = milliseconds(time.Since(begin))
	if err := r.memory(ctx, p, "pss_mib"); err != nil {
		return err
	}
	if err := r.lookups(ctx, p, at); err != nil {
		return err
	}
	if err := r.reloadTable(ctx, p, at); err != nil {
		return err
	}
	return r.memory(ctx, p, "reloaded_mib")
}

// answered polls until the program gives the correct answer. The poll interval limits the precision
// of the time.
func (r *tableTrial) answered(ctx context.Context, p *process, at *tableSite, q load.Question) error {
	const every = 2 * time.Millisecond
	for limit := time.Now().Add(tablePatience); time.Now().Before(limit); {
		if answer, err := askOnce(at.Listen, q.From); err == nil && answer == q.Answer {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
			return errors.New("it ended before it could answer")
		case <-time.After(every):
		}
	}
	return fmt.Errorf("it did not answer %q within %v", q.Answer, tablePatience)
}

// tablePatience is the timeout for loading a large table.
const tablePatience = time.Minute

func askOnce(at netip.AddrPort, from netip.Addr) (string, error) {
	c, err := net.DialTimeout("tcp", at.String(), time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(tablePatience))
	if _, err := fmt.Fprintf(c, "PROXY TCP4 %s 127.0.0.1 1024 1883\r\n", from); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(c)
	return string(answer), err
}

// memory waits until the program is idle and reads the memory of all its processes, and the peak of
// the largest.
func (r *tableTrial) memory(ctx context.Context, p *process, key string) error {
	if err := p.quiet(ctx); err != nil {
		return err
	}
	if err := sleep(ctx, r.scale.settle); err != nil {
		return err
	}
	pids, err := proc.Tree(p.pid())
	if err != nil {
		return err
	}
	usage, err := proc.UsageOf(pids)
	if err != nil {
		return err
	}
	peak, err := proc.PeakOf(pids)
	r.values[key], r.values["peak_"+key] = mebibytes(usage.PSS), mebibytes(peak)
	return err
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// sleep waits for a fixed time: memory is released by a timer, not by an event.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// lookups compares sessions that use the large table with sessions of the same program that use a
// small one, in turns.
func (r *tableTrial) lookups(ctx context.Context, large *process, at *tableSite) error {
	few, err := newTableSite(r.kind, r.subject, r.dir)
	if err != nil {
		return err
	}
	defer os.RemoveAll(few.Dir)
	entries := r.kind.make(fewEntries)
	if err := few.fill(entries); err != nil {
		return err
	}
	small, err := launch(r.bin, few.args(), few.Dir)
	if err != nil {
		return err
	}
	defer small.stop()
	asks := r.kind.ask(entries)
	if err := r.answered(ctx, small, few, asks[0]); err != nil {
		return err
	}
	return r.inTurns(ctx, []*lookup{
		{key: "large_us", target: targetOf(large, at), load: load.Ask{AtOnce: stormAtOnce, Asks: r.asks}},
		{key: "few_us", target: targetOf(small, few), load: load.Ask{AtOnce: stormAtOnce, Asks: asks}},
	})
}

// A lookup is a load of sessions that use one table.
type lookup struct {
	key    string
	target *load.Target
	load   load.Ask
	ops    float64
}

func targetOf(p *process, at *tableSite) *load.Target {
	return &load.Target{Addrs: []netip.AddrPort{at.Listen}, Sources: sources(), Meter: &meter{pid: p.pid()}}
}

// inTurns runs each load in turns; a warm-up before them is not counted.
func (r *tableTrial) inTurns(ctx context.Context, all []*lookup) error {
	for _, l := range all {
		l.load.Sessions = r.scale.warmUp
		if _, err := l.load.Run(ctx, &load.Target{Addrs: l.target.Addrs, Sources: l.target.Sources}); err != nil {
			return err
		}
		l.load.Sessions = r.scale.storm / 2 / r.scale.turns
	}
	for turn := range r.scale.turns {
		for i := range all {
			l := all[(turn+i)%len(all)]
			result, err := l.load.Run(ctx, l.target)
			if err != nil {
				return err
			}
			l.ops += result.Ops
		}
	}
	for _, l := range all {
		r.values[l.key] = float64(l.target.Meter.(*meter).cpu) / float64(time.Microsecond) / l.ops
	}
	r.values["lookup_us"] = r.values["large_us"] - r.values["few_us"]
	return nil
}

// reloadTable changes the first entry and makes the program reload it.
func (r *tableTrial) reloadTable(ctx context.Context, p *process, at *tableSite) error {
	changed := append([]entry{}, r.large...)
	changed[0].value = "changed"
	if err := at.fill(changed); err != nil {
		return err
	}
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		return err
	}
	if err := r.answered(ctx, p, at, load.Question{From: changed[0].from, Answer: changed[0].value}); err != nil {
		return err
	}
	r.values["reload_ms"] = milliseconds(time.Since(begin))
	return nil
}

// goBenchmarks are the benchmarks of weir's tables, by kind.
var goBenchmarks = map[string]string{"map": "weir/stream/modules/mapping", "geo": "weir/stream/modules/geo"}

// goLookup returns the time of a lookup in the Go benchmark, in nanoseconds.
func goLookup(ctx context.Context, kind, benchTime string) (float64, error) {
	out, err := output(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkGet$/^any$", "-benchtime", benchTime, goBenchmarks[kind])
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`(?m)^BenchmarkGet/any\S*\s+\d+\s+([\d.]+) ns/op`).FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("no figure in %q", out)
	}
	return strconv.ParseFloat(m[1], 64)
}
