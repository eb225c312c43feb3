package runtime

import (
	"context"
	"net/netip"
	goruntime "runtime"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"weir/directives"
	"weir/internal/errorlog"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
)

// change replaces the configuration, and reports the result to the watcher and the history.
func (m *Master) change(ctx context.Context, src parser.Source) (*Generation, diag.List, error) {
	if m.latest != nil {
		m.systemd.reloading()
		defer m.systemd.ready()
	}
	defer m.systemd.stayAlive()()
	begun := time.Now()
	var t trial
	next, found, err := m.try(ctx, src, &t)
	t.served = err == nil
	m.watcher.note(t)
	r := Reload{Time: begun, Took: time.Since(begun)}
	if err == nil {
		r.Generation = next.ID
	} else {
		r.Err = err.Error()
	}
	m.history.note(r)
	return next, found, err
}

// try reads, compiles, opens, swaps and retires. The swap is the only point of commitment; before it
// everything can be undone, and after it nothing fails. It logs failures to the current log.
func (m *Master) try(ctx context.Context, src parser.Source, t *trial) (*Generation, diag.List, error) {
	begun, before := time.Now(), allocated()
	program, found, err := m.read(ctx, src, t)
	if err != nil {
		return nil, found, err
	}
	t.passes = true // from here on, failures depend on the system
	next := newGeneration(m.lastID+1, program, &m.tally)
	next.files, next.loops = m.files, loopsOf(&program.Main, m.limits)
	if m.driver == nil {
		if m.driver, err = newDriver(m.env, &program.Main, next.loops); err != nil {
			m.console.log(errorlog.Emerg, "%v", err)
			return nil, found, err
		}
	}
	fresh, err := m.open(ctx, next)
	if err != nil {
		return nil, found, err
	}
	m.commit(next, fresh)
	m.console.log(errorlog.Notice, "configuration generation %d serves after %v, sessions on older configurations: %d",
		next.ID, time.Since(begun).Round(time.Millisecond), m.oldSessions())
	trimAfter(before)
	return next, found, nil
}

// read reads and compiles the configuration of src, and logs the diagnostics unless ctx has ended.
func (m *Master) read(ctx context.Context, src parser.Source, t *trial) (*directives.Program, diag.List, error) {
	type result struct {
		program *directives.Program
		found   diag.List
		files   *reading
		unknown bool // a name was not found
	}
	env := m.paths.env(ctx, m.env.PID, m.console.out.writer())
	r, err := attempt(ctx, func() (r result) {
		src.ReadFile, src.Glob = m.files.source(src.ReadFile, src.Glob)
		env.ReadFile, env.Root = m.files.reader(env.ReadFile), env.Root || m.files.parent != nil
		if m.watcher != nil {
			r.files = newReading(m.files)
			src = r.files.source(src)
			env.ReadFile = r.files.recording(env.ReadFile)
			defer r.files.isComplete.Store(true)
		}
		env.TicketKeys = m.tickets.keys
		env.LookupHost = noteFailure(env.LookupHost, &r.unknown)
		r.program, r.found = m.load(src, env)
		return r
	}, func(result) {})
	if err != nil {
		return nil, nil, err
	}
	t.read, t.passes = r.files, r.unknown
	if r.program != nil {
		r.program.Tree = m.retained(r.program.Tree)
	}
	m.console.logDiagnostics(r.found)
	return r.program, r.found, r.found.Err()
}

// retained returns the part of a tree that a generation keeps. It may live for months, and only the
// control API needs its text again.
func (m *Master) retained(t *parser.Tree) *parser.Tree {
	if m.keepText {
		return textOf(t)
	}
	return nil
}

// noteFailure wraps lookup so that a failure sets failed.
func noteFailure(lookup func(string) ([]netip.Addr, error), failed *bool) func(string) ([]netip.Addr, error) {
	return func(name string) ([]netip.Addr, error) {
		addrs, err := lookup(name)
		*failed = *failed || err != nil
		return addrs, err
	}
}

// open opens everything that next needs and that is not open yet, and returns the new sockets. If it
// fails, it logs the error while the log is still open, and closes everything that it opened.
func (m *Master) open(ctx context.Context, next *Generation) (fresh []*socket, err error) {
	undo := &rollback{}
	defer func() {
		if err == nil {
			return
		}
		if ctx.Err() == nil {
			m.console.log(errorlog.Emerg, "%v", err)
		}
		undo.run()
	}()
	if undo, err = m.openGeneration(ctx, next); err != nil {
		return nil, err
	}
	if m.boot != nil && m.boot.files != nil {
		next.Program.Stream.Files.Follow(m.boot.files)
	}
	if m.latest == nil {
		m.console = startConsole(next.Program, m.console)
	}
	listens := next.sockets()
	m.ports.enableReusePort(listens, m.console)
	b := binder{console: m.console, pause: m.pause, parent: m.files.parent}
	free, joined := m.ports.closeConflicting(m.ports.missing(listens, next.loops), m.ports.unused(next), m.console)
	for _, some := range [][]*stream.Listen{free, joined} {
		bound, err := b.bind(ctx, some)
		for _, s := range bound {
			undo.add(s.discard)
		}
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, bound...)
	}
	warnOfOpenFiles(&next.Program.Main, m.console)
	return fresh, m.openPid(next.Program.Main.PidFile)
}

// openGeneration opens everything of next except sockets. undo, which is never nil, closes it again.
func (m *Master) openGeneration(ctx context.Context, next *Generation) (undo *rollback, err error) {
	type result struct {
		undo rollback
		err  error
	}
	m.console.out.add(next.Program.Stream.Files)
	old := m.latest
	r, err := attempt(ctx, func() (r result) {
		r.err = next.open(ctx, m.env, old, &r.undo)
		return r
	}, func(r result) { r.undo.run() })
	if err != nil {
		return &rollback{}, err
	}
	return &r.undo, r.err
}

// openPid writes the pid file, unless it exists already.
func (m *Master) openPid(path string) error {
	if m.latest == nil {
		m.detach()
	}
	if isSymlink(path) {
		m.console.log(errorlog.Warn, "the pid file replaces the symbolic link \"%s\"", path)
	}
	return m.pid.moveTo(path, m.env.PID)
}

// commit makes next current and retires the previous generation.
func (m *Master) commit(next *Generation, fresh []*socket) {
	m.lastID = next.ID
	m.switchLog(next)
	applyLimits(&next.Program.Main, m.console)
	m.env.Descriptors.Survey()
	applyPriority(m.priority(), next.Program.Main.Priority, m.console)
	m.lockPid(next.Program.Main.PidFile)
	if m.latest == nil {
		m.owner.others = func() bool { return m.oldServes(next.Program.Main.PidFile) }
	}
	m.channel.moveTo(next.Program.Main.PidFile)
	m.dropRights(&next.Program.Main)
	m.passEnv(&next.Program.Main)
	if m.latest == nil {
		m.informParent() // before the first client: from now on the parent refuses new paths
	}
	changeDir(next.Program.Main.WorkingDirectory, m.paths, m.console)
	m.endPause()
	if m.latest != nil {
		next.Program.Stream.CloseBudget.Replace(m.latest.Program.Stream.CloseBudget)
	}
	m.resize(next)
	m.latest = next
	m.generations.add(next)
	next.run()
	next.loaded = m.env.Now()
	old := m.current.Swap(next)
	m.attachSockets(next, fresh)
	m.console.log(errorlog.Notice, "start worker processes")
	m.console.log(errorlog.Notice, "start worker process %d", m.env.PID)
	if old != nil {
		m.removeOldPid(old.Program.Main.PidFile, next.Program.Main.PidFile)
	}
	for _, p := range m.ports.unused(next) {
		m.drop(p)
	}
	m.informParent()
	if old != nil {
		m.retire(old)
	}
}

// resize gives the driver the loops of next, and their settings. A driver that is new has them.
func (m *Master) resize(next *Generation) {
	if m.latest == nil {
		return
	}
	console := m.console
	m.drive(func() {
		if err := resize(m.driver, &next.Program.Main, next.loops); err != nil {
			console.log(errorlog.Alert, "not all worker_processes have started: %v", err)
		}
	})
}

// removeOldPid removes the pid file of the previous configuration, unless the present one uses the same
// file, perhaps through another path.
func (m *Master) removeOldPid(old, now string) {
	if m.files.parent != nil || old == now || sameFile(old, now) { // the parent has removed it
		return
	}
	if err := removePid(old); err != nil {
		m.console.log(errorlog.Alert, "%v", err)
	}
}

// priority returns the priority in the current configuration.
func (m *Master) priority() int {
	if m.latest == nil {
		return 0
	}
	return m.latest.Program.Main.Priority
}

// switchLog makes the process write to the log of next, and logs the system information there.
func (m *Master) switchLog(next *Generation) {
	p := next.Program
	first := m.latest == nil
	m.log.Store(p.Main.ErrorLog)
	if m.boot != nil {
		m.boot.close()
		m.boot = nil
	}
	m.console = &console{errorLog: p.Main.ErrorLog, out: m.console.out}
	m.console.out.waitStderr(exitTimeout) // lines for the terminal must not go to the log
	m.followStderr(m.redirect(p))
	m.console.log(errorlog.Notice, "using the \"%s\" event method", eventMethod)
	if !first {
		return
	}
	m.console.log(errorlog.Notice, "nginx/%s (compatible)", stream.NginxVersion)
	m.console.log(errorlog.Notice, "weir/%s", Version)
	m.console.log(errorlog.Notice, "built by %s", goruntime.Version())
	m.console.log(errorlog.Notice, "OS: %s", system())
	var n unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &n) == nil {
		m.console.log(errorlog.Notice, "getrlimit(RLIMIT_NOFILE): %d:%d", n.Cur, n.Max)
	}
	m.limits.log(m.console, next.loops)
	if isRoot() && p.Main.User == "" {
		m.console.log(errorlog.Notice, "running as root: the configuration has no \"user\"")
	}
}

// system returns the name and release of the kernel.
func system() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}

// attachSockets passes the new sockets to the driver, sets next's options on the kept ones, and closes
// those that reuseport does not need.
func (m *Master) attachSockets(next *Generation, fresh []*socket) {
	byAddr := map[stream.Addr][]*socket{}
	for _, s := range fresh {
		byAddr[s.addr] = append(byAddr[s.addr], s)
	}
	for _, l := range next.sockets() {
		p := m.ports[l.Addr]
		if p == nil {
			p = &listener{addr: l.Addr}
			m.ports[l.Addr] = p
		}
		for _, s := range p.sockets {
			s.configure(&p.options, l.Options, m.console)
		}
		p.options = l.Options
		surplus := p.replace(byAddr[l.Addr], l)
		p.isHTTP = next.webs[l.Addr] != nil
		if !p.serves() {
			m.serveOn(p)
		}
		if len(surplus) > 0 {
			m.drive(func() { closeSockets(surplus) })
		}
	}
}

// serveOn makes the web server or the driver accept on the current sockets of p.
func (m *Master) serveOn(p *listener) {
	if p.isHTTP {
		m.listenWeb(p)
	} else {
		m.listen(p)
	}
}

// listen makes the driver accept on the current sockets of p. Connections in the meantime wait in them.
func (m *Master) listen(p *listener) {
	stop, console := p.stopper(m), m.console
	fds, kept := p.descriptors(), p.serving
	if n := len(p.driven()); p.addr.UDP && n > 0 && n < len(fds) && slices.Equal(p.driven(), fds[:n]) {
		fds, stop = fds[n:], func() {} // sessions of datagrams answer through their sockets
	} else {
		kept = nil
	}
	now := &stream.Listener{FDs: fds, Admit: m.admit(p.addr), Datagrams: p.addr.UDP, Current: m.serves}
	p.serving, p.web, p.webFDs = append(slices.Clip(kept), now), nil, nil
	m.drive(func() {
		stop()
		if err := m.driver.Listen(now); err != nil {
			console.log(errorlog.Alert, "%s: %v", p.addr, err)
		}
	})
}

// admit returns the function by which a driver gets the listen for addr, with a reference to its
// generation. The function returns nil when accepting has ended.
func (m *Master) admit(addr stream.Addr) func() (*stream.Listen, stream.Lease) {
	return admitting(m, func(g *Generation) *stream.Listen { return g.listens[addr] })
}

// admitting returns a function that finds something in the current generation, and holds the generation.
// One that cannot be held is not current any more: another one is, or none.
func admitting[L any](m *Master, find func(*Generation) *L) func() (*L, stream.Lease) {
	return func() (*L, stream.Lease) {
		for {
			g := m.current.Load()
			if g == nil {
				return nil, nil
			}
			if !g.acquire() {
				continue
			}
			if l := find(g); l != nil {
				return l, g
			}
			g.Release()
			return nil, nil
		}
	}
}

// serves reports whether new sessions use c.
func (m *Master) serves(c *stream.Config) bool {
	g := m.current.Load()
	return g != nil && g.Program.Stream == c
}

// drop closes the sockets of a listener, and removes its file.
func (m *Master) drop(p *listener) {
	stop, sockets := p.stopper(m), p.sockets
	m.drive(func() {
		stop()
		closeSockets(sockets) // not earlier: their numbers may be reused while a loop accepts on them
	})
	delete(m.ports, p.addr)
	if !p.addr.Unix || m.quitting && m.sharesSockets() || m.activated && p.inherited {
		return
	}
	if !m.quitting {
		m.console.log(errorlog.Warn, "deleting socket %s", p.addr.Path)
	}
	if err := p.sockets[0].unlink(); err != nil {
		m.console.log(errorlog.Emerg, "unlink() \"%s\" failed%s", p.addr.Path, errorlog.Errno(err))
	}
}
