package keyval

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"weir/internal/errorlog"
	"weir/internal/keyval"
	"weir/stream"
)

// A Zone keeps the pairs of a keyval_zone. The zones of successive configurations share their pairs, as
// long as each configuration has the zone with the same size and type.
type Zone struct {
	*stream.Keyval
	Size    int64 // bytes
	Type    keyval.Type
	Timeout time.Duration // 0 for none
	State   string        // the path of the state file; empty for none

	env   *stream.Env
	state *state // nil without a state file
	ended *state // of the old zone, if this one continues its file with another Store
	sweep pace
}

// Key identifies the zone across generations.
func (z *Zone) Key() string { return "keyval_zone " + z.Name }

// Open continues with the pairs of old. If the zone is new, or has another size or type, it starts with
// the pairs of its state file, and is empty without one.
func (z *Zone) Open(_ context.Context, env *stream.Env, old stream.Part) error {
	z.env = env
	before, _ := old.(*Zone)
	if before == nil || before.Size != z.Size || before.Type != z.Type {
		return z.begin(before)
	}
	z.Store, z.state = before.Store, before.state
	if z.State != before.State {
		z.state = newState(z.State, z.Store)
		z.state.markUnsaved()
	}
	return nil
}

// begin makes a Store and fills it. The pairs of before are those of the state file, except for the
// latest changes.
func (z *Zone) begin(before *Zone) error {
	z.Store = keyval.New(keyval.Options{Name: z.Name, Size: z.Size, Type: z.Type, Timeout: z.Timeout, Now: z.env.Now})
	z.state = newState(z.State, z.Store)
	switch {
	case z.State == "":
		return nil
	case before != nil && before.State == z.State:
		if err := z.Store.Inherit(before.Store); err != nil {
			return fmt.Errorf("keyval_zone \"%s\": %w", z.Name, err)
		}
		z.state.markUnsaved()
		z.ended = before.state
		return nil
	}
	return z.restore()
}

// restore reads the state file, whose pairs are used only if all of it is correct. A zone without a file
// is empty, but the directory must exist.
func (z *Zone) restore() error {
	text, err := readState(z.State, keyval.MaxState(z.Size))
	if err == nil {
		err = z.Store.Restore(text)
	}
	if at, ok := errors.AsType[*keyval.StateError](err); ok {
		return fmt.Errorf("keyval_zone \"%s\": %w in %s:%d", z.Name, err, z.State, at.Line)
	}
	if err != nil {
		return fmt.Errorf("keyval_zone \"%s\": open() \"%s\" failed%s", z.Name, z.State, errorlog.Errno(err))
	}
	return nil
}

var errNotRegular = errors.New("not a regular file")

func readState(path string, most int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, err := os.Stat(filepath.Dir(path))
		return nil, err
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errNotRegular
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(text)) > most {
		err = keyval.ErrState()
	}
	return text, err
}

// Close does nothing: the pairs are only memory, which sessions and the successor may still use.
func (z *Zone) Close() error { return nil }

// interval is the time between two looks at a zone. A change is in the state file after about this time.
const interval = time.Second

// Run writes changes to the state file and frees the memory of pairs that have expired, until ctx ends.
// Then it writes the last changes.
func (z *Zone) Run(ctx context.Context) {
	z.Store.SetTimeout(z.Timeout)
	z.ended.end()
	if z.state == nil && z.Timeout == 0 {
		return
	}
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			z.state.save(z.env)
			return
		case <-tick.C:
			z.tick()
		}
	}
}

// Save writes changes to the state file at once.
func (z *Zone) Save() { z.state.save(z.env) }

// tick writes and sweeps, if the last time did not take so long that it is too early for the next one.
func (z *Zone) tick() {
	z.state.saveAtPace(z.env)
	z.sweep.do(func() { z.Store.Sweep() })
}

// share is the part of the time that a zone of any size may take for writing, and for sweeping: one in
// ten.
const share = 10

// A pace limits the share of the time that a task takes.
type pace struct{ next time.Time }

// do calls task unless it is too early.
func (p *pace) do(task func()) {
	begun := time.Now()
	if begun.Before(p.next) {
		return
	}
	task()
	p.spent(begun, time.Now())
}

// spent sets the time of the next call. A task that takes less than its share of the interval is called
// at each tick.
func (p *pace) spent(begun, ended time.Time) {
	if took := ended.Sub(begun); took*share > interval {
		p.next = ended.Add(took * (share - 1))
	}
}
