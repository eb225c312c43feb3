package runtime

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"weir/directives"
	"weir/internal/logfile"
	"weir/stream"
	"weir/stream/upstream"
	"weir/web"
)

// A Generation is an opened Program. It ends when it is not current and its last session has ended.
type Generation struct {
	ID      uint64
	Program *directives.Program
	loaded  time.Time // when it became current

	files   files // with which it opens its logs
	loops   int   // of the driver: with reuseport, each has its own socket
	listens map[stream.Addr]*stream.Listen
	webs    map[stream.Addr]*web.Listen
	parts   map[string]stream.Part // by key, for the successor
	refs    atomic.Int64           // one for being current, one per session; never raised from zero
	gone    chan struct{}          // closed when refs reaches zero
	tally   *tally                 // counts the sessions of the process
	expired atomic.Bool            // worker_shutdown_timeout has passed: its sessions end

	idle atomic.Pointer[pausing] // gets a value when the last session has ended; nil unless it is awaited

	stop    context.CancelFunc // ends the runners
	runners sync.WaitGroup
}

// newGeneration returns a generation that has opened nothing yet, with the reference for being current.
func newGeneration(id uint64, p *directives.Program, t *tally) *Generation {
	g := &Generation{
		ID: id, Program: p, listens: map[stream.Addr]*stream.Listen{}, webs: map[stream.Addr]*web.Listen{}, parts: map[string]stream.Part{},
		gone: make(chan struct{}), tally: t,
	}
	g.refs.Store(1)
	for _, l := range p.Stream.Listens {
		g.listens[l.Addr] = l
	}
	if p.Web != nil {
		for _, l := range p.Web.Listens {
			g.webs[l.Socket.Addr] = l
		}
	}
	return g
}

// sockets lists the addresses of stream {} and http {}.
func (g *Generation) sockets() []*stream.Listen {
	all := slices.Clone(g.Program.Stream.Listens)
	if g.Program.Web != nil {
		for _, l := range g.Program.Web.Listens {
			all = append(all, l.Socket)
		}
	}
	return all
}

// uses reports whether the generation has a socket at addr.
func (g *Generation) uses(addr stream.Addr) bool {
	return g.listens[addr] != nil || g.webs[addr] != nil
}

// acquire takes a reference for a session. It fails if the generation has ended.
func (g *Generation) acquire() bool {
	for {
		n := g.refs.Load()
		if n == 0 {
			return false
		}
		if g.refs.CompareAndSwap(n, n+1) {
			g.tally.begun.Add(1)
			return true
		}
	}
}

// Release releases the reference of a session, whose lease g is: it is safe for concurrent use, and called
// once per session.
func (g *Generation) Release() {
	g.tally.ended.Add(1)
	g.unref()
}

// unref releases a reference.
func (g *Generation) unref() {
	switch n := g.refs.Add(-1); {
	case n == 1:
		g.idle.Load().note()
	case n == 0:
		close(g.gone)
	case n < 0:
		panic("runtime: generation released too often")
	}
}

// A tally counts the sessions of all generations of a process. It is safe for concurrent use.
type tally struct{ begun, ended atomic.Uint64 }

// A generationList is a list of generations. It is safe for concurrent use with one writer.
type generationList struct{ list atomic.Pointer[[]*Generation] }

// all returns the generations, which the caller must not change.
func (l *generationList) all() []*Generation {
	if list := l.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (l *generationList) add(g *Generation) {
	list := append(slices.Clone(l.all()), g)
	l.list.Store(&list)
}

func (l *generationList) remove(g *Generation) {
	list := slices.DeleteFunc(slices.Clone(l.all()), func(other *Generation) bool { return other == g })
	l.list.Store(&list)
}

// owns reports whether s is a session of g.
func (g *Generation) owns(s *stream.Session) bool { return s.Listen.Config == g.Program.Stream }

// closeBudgets returns the rates at which the sessions of the generation end now, by those of the configuration
// and of its groups; nil without a limit.
func (g *Generation) closeBudgets() map[*stream.Budget]*stream.Budget {
	own := g.Program.Stream.CloseBudget
	all := map[*stream.Budget]*stream.Budget{own: own.Limiting()}
	for _, p := range g.Program.Stream.Parts {
		if group, ok := p.(*upstream.Group); ok {
			all[group.CloseBudget()] = group.CloseBudget().Limiting()
		}
	}
	return all
}

// open opens log files and parts; undo closes them. Sockets are opened elsewhere: they outlive
// generations.
func (g *Generation) open(ctx context.Context, env *stream.Env, old *Generation, undo *rollback) error {
	files := g.Program.Stream.Files
	files.OnLoss(func(lost logfile.Loss) { writeLoss(g.Program.Main.ErrorLog, lost) })
	if err := openLogs(files, g.files.openAppend); err != nil {
		return err
	}
	if old != nil {
		files.Follow(old.Program.Stream.Files)
	}
	undo.add(files.Close)
	for _, p := range g.Program.Stream.Parts {
		if err := p.Open(ctx, env, old.part(p.Key())); err != nil {
			return err
		}
		undo.add(func() { p.Close() })
		g.parts[p.Key()] = p
	}
	return nil
}

// part returns the part with that key, or nil; g may be nil.
func (g *Generation) part(key string) stream.Part {
	if g == nil {
		return nil
	}
	return g.parts[key]
}

// run starts the background work of the parts; halt stops it.
func (g *Generation) run() {
	ctx, stop := context.WithCancel(context.Background())
	g.stop = stop
	for _, p := range g.Program.Stream.Parts {
		if r, ok := p.(stream.Runner); ok {
			g.runners.Go(func() { r.Run(ctx) })
		}
	}
}

// halt stops the work that run started, and waits for its end.
func (g *Generation) halt() {
	g.stop()
	g.runners.Wait()
}

// close closes the parts and files that open opened, last first. It returns the first error of a part,
// after closing all. Log files close after their lines are written; close does not wait for that.
func (g *Generation) close() error {
	var first error
	for _, part := range slices.Backward(g.Program.Stream.Parts) {
		if err := part.Close(); err != nil && first == nil {
			first = err
		}
	}
	for _, l := range g.Program.Main.ErrorLogs {
		l.ReportRepeats()
	}
	g.Program.Stream.Files.Close()
	return first
}

// rollback records how to undo opening. The zero value is ready to use.
type rollback struct{ steps []func() }

// add adds a step.
func (u *rollback) add(step func()) { u.steps = append(u.steps, step) }

// run runs the steps, last first, and forgets them.
func (u *rollback) run() {
	for _, step := range slices.Backward(u.steps) {
		step()
	}
	u.steps = nil
}
