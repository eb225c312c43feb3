package runtime

import (
	"context"
	goruntime "runtime"
	"time"

	"golang.org/x/sys/unix"

	"weir/directives"
	"weir/parser"
	"weir/parser/diag"
	"weir/stream"
	"weir/stream/errorlog"
)

// change goes from one configuration to the next: read, compile, open, swap, retire. The swap is the only point of commitment;
// before it everything can be undone, and after it nothing fails. What goes wrong has been logged to the current log.
func (m *Master) change(ctx context.Context, src parser.Source) (*Generation, diag.List, error) {
	begun, before := time.Now(), allocated()
	program, found := m.load(src, m.paths.env(m.env.PID))
	m.watcher.arm(program)
	if program != nil {
		program.Tree = nil // a generation may live for months, and its text is not asked for again
	}
	m.console.sayAll(found)
	err := found.Err()
	if err != nil {
		return nil, found, err
	}
	if m.driver == nil {
		if m.driver, m.loops, err = newDriver(m.env, &program.Main); err != nil {
			m.console.say(errorlog.Emerg, "%v", err)
			return nil, found, err
		}
	}
	next := newGeneration(m.lastID+1, program)
	fresh, err := m.open(ctx, next)
	if err != nil {
		return nil, found, err
	}
	m.commit(next, fresh)
	m.console.say(errorlog.Notice, "generation %d serves after %v, %d sessions stay with older ones",
		next.ID, time.Since(begun).Round(time.Millisecond), m.staying())
	trimAfter(before)
	return next, found, nil
}

// open opens all that next needs and that is not open yet, and returns the sockets among it. After an error, which it has logged while
// there still was a log, nothing of it is left.
func (m *Master) open(ctx context.Context, next *Generation) (fresh []*socket, err error) {
	var undo undoing
	defer func() {
		if err != nil {
			m.console.say(errorlog.Emerg, "%v", err)
			undo.now()
		}
	}()
	if err := next.open(ctx, m.env, m.newest, &undo); err != nil {
		return nil, err
	}
	if m.newest == nil {
		m.console = startConsole(next.Program, m.console.stderr)
	}
	listens := next.Program.Stream.Listens
	m.ports.share(listens, m.console)
	fresh, err = binder{console: m.console, pause: m.pause}.bind(m.ports.missing(listens, m.loops))
	for _, s := range fresh {
		undo.later(s.discard)
	}
	if err != nil {
		return nil, err
	}
	warnOfOpenFiles(&next.Program.Main, m.console)
	return fresh, m.openPid(next.Program.Main.PidFile)
}

// openPid writes the pid file, unless it is there already.
func (m *Master) openPid(path string) error {
	if m.newest != nil && m.newest.Program.Main.PidFile == path {
		return nil
	}
	return writePid(path, m.env.PID)
}

// commit makes next current and retires what was.
func (m *Master) commit(next *Generation, fresh []*socket) {
	m.lastID = next.ID
	m.sayStart(next.Program)
	applyLimits(&next.Program.Main, m.console)
	applyPriority(m.priority(), next.Program.Main.Priority, m.console)
	enter(next.Program.Main.WorkingDirectory, m.paths, m.console)
	m.newest, m.living = next, append(m.living, next)
	next.run()
	old := m.current.Swap(next)
	m.adopt(next, fresh)
	m.console.say(errorlog.Notice, "start worker processes")
	m.console.say(errorlog.Notice, "start worker process %d", m.env.PID)
	if old == nil {
		return
	}
	if old.Program.Main.PidFile != next.Program.Main.PidFile {
		removePid(old.Program.Main.PidFile, m.console)
	}
	for _, p := range m.ports.superfluous(next.listens) {
		m.drop(p)
	}
	m.retire(old)
}

// priority is that of the configuration so far.
func (m *Master) priority() int {
	if m.newest == nil {
		return 0
	}
	return m.newest.Program.Main.Priority
}

// sayStart lets the process speak through the log of p, and says there what it runs on.
func (m *Master) sayStart(p *directives.Program) {
	first := m.newest == nil
	m.log.Store(p.Main.ErrorLog)
	m.console = &console{log: p.Main.ErrorLog}
	m.redirect(&p.Main, m.console)
	m.console.say(errorlog.Notice, "using the \"%s\" event method", eventMethod)
	if !first {
		return
	}
	m.console.say(errorlog.Notice, "nginx/%s (compatible)", stream.NginxVersion)
	m.console.say(errorlog.Notice, "weir/%s", Version)
	m.console.say(errorlog.Notice, "built by %s", goruntime.Version())
	m.console.say(errorlog.Notice, "OS: %s", system())
	var n unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &n) == nil {
		m.console.say(errorlog.Notice, "getrlimit(RLIMIT_NOFILE): %d:%d", n.Cur, n.Max)
	}
	if isRoot() && p.Main.User != "root" {
		m.console.say(errorlog.Notice, "serving as root: weir does not change its user yet")
	}
}

// system is the name and release of the kernel.
func system() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "unknown"
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}

// adopt hands the new sockets to the driver, sets the options of those kept as next has them, and closes what reuseport leaves over.
func (m *Master) adopt(next *Generation, fresh []*socket) {
	byAddr := map[stream.Addr][]*socket{}
	for _, s := range fresh {
		byAddr[s.addr] = append(byAddr[s.addr], s)
	}
	for _, l := range next.Program.Stream.Listens {
		p := m.ports[l.Addr]
		if p == nil {
			p = &port{addr: l.Addr}
			m.ports[l.Addr] = p
		}
		for _, s := range p.sockets {
			s.configure(&p.options, l.Options, m.console)
		}
		p.options = l.Options
		surplus := p.replace(byAddr[l.Addr], l, socketsOf(l, m.loops))
		if !p.serves() {
			m.listen(p)
		}
		for _, s := range surplus {
			s.close()
		}
	}
}

// listen has the driver accept on the sockets that p has now. Connections that come meanwhile wait in them.
func (m *Master) listen(p *port) {
	if p.serving != nil {
		m.driver.Forget(p.serving)
	}
	p.serving = &stream.Port{FDs: p.descriptors(), Admit: m.admit(p.addr), Datagrams: p.addr.UDP, Current: m.serves}
	if err := m.driver.Listen(p.serving); err != nil {
		m.console.say(errorlog.Alert, "%s: %v", p.addr, err)
	}
}

// admit returns what tells a driver the meaning of addr, with a generation held. A generation that can not be held is not current
// any more: another one is, or none.
func (m *Master) admit(addr stream.Addr) func() (*stream.Listen, stream.Lease) {
	return func() (*stream.Listen, stream.Lease) {
		for {
			g := m.current.Load()
			if g == nil {
				return nil, nil
			}
			if !g.hold() {
				continue
			}
			if l := g.listens[addr]; l != nil {
				return l, g
			}
			g.Release()
			return nil, nil
		}
	}
}

// serves reports whether c is what new sessions follow.
func (m *Master) serves(c *stream.Config) bool {
	g := m.current.Load()
	return g != nil && g.Program.Stream == c
}

// drop closes the sockets of a port, and removes its file.
func (m *Master) drop(p *port) {
	m.driver.Forget(p.serving)
	for _, s := range p.sockets {
		s.close()
	}
	delete(m.ports, p.addr)
	if !p.addr.Unix {
		return
	}
	if !m.quitting {
		m.console.say(errorlog.Warn, "deleting socket %s", p.addr.Path)
	}
	if err := p.sockets[0].unlink(); err != nil {
		m.console.say(errorlog.Emerg, "unlink() \"%s\" failed%s", p.addr.Path, errorlog.Errno(err))
	}
}

// retire lets go of a generation that is not current any more: its runners end now, its sessions as they will, or when their time
// is up.
func (m *Master) retire(g *Generation) {
	m.console.say(errorlog.Notice, "gracefully shutting down")
	g.Release()
	m.keepers.Go(func() { m.keep(g) })
}

// keep waits for the last session of a retired generation.
func (m *Master) keep(g *Generation) {
	g.halt()
	var up <-chan time.Time
	if d := g.Program.Main.ShutdownTimeout; d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		up = t.C
	}
	for {
		select {
		case <-g.gone:
			select {
			case m.ended <- g:
			case <-m.cut:
			}
			return
		case <-up:
			m.driver.Abort(g.owns, stream.Pace{})
		case <-m.cut:
			return
		}
	}
}

// staying counts the sessions of generations that are not current.
func (m *Master) staying() (n int64) {
	current := m.current.Load()
	for _, g := range m.living {
		if g != current {
			n += g.refs.Load()
		}
	}
	return n
}
