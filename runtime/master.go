package runtime

import (
	"context"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"weir/directives"
	"weir/directives/conf"
	"weir/internal/errorlog"
	"weir/internal/logfile"
	"weir/parser"
	"weir/parser/diag"
	"weir/runtime/webserver"
	"weir/stream"
	"weir/stream/status"
)

// A Master runs one configuration after another. All non-atomic state belongs to the goroutine that
// starts it and then runs it; others ask for changes through channels.
type Master struct {
	load        func(parser.Source, *conf.Env) (*directives.Program, diag.List)
	source      parser.Source
	paths       paths
	env         *stream.Env
	driver      stream.Driver
	web         *webserver.Hub
	limits      groupLimits // of the process
	tally       tally       // of the sessions of all generations
	history     reloadHistory
	current     atomic.Pointer[Generation] // nil before the first, and after accepting has ended
	log         *currentLog
	console     *console
	boot        *console // from before the first configuration; nil after that is in use
	pid         *pidFile
	channel     *channel // nil without one
	deadline    *deadline
	ports       listenerSet
	latest      *Generation    // the process writes to its log
	generations generationList // those that have sessions or will have some
	lastID      uint64
	pause       time.Duration                           // between attempts to bind
	watcher     *watcher                                // nil without -watch
	tickets     ticketKeys                              // of all configurations, so that reloads keep them
	redirect    func(*directives.Program) *logfile.File // redirectStderr
	stderrIs    *logfile.File                           // the file that standard error was redirected to, or nil
	detach      func()                                  // called once, before the pid file is written
	systemd     supervisor
	activated   bool          // systemd has opened sockets
	respawned   atomic.Uint64 // the predecessors that have died
	files       files         // with which files are opened
	binary      executable    // the program, which USR2 starts again
	upgrade     upgrade       // to a new binary
	owner       owner         // of the state
	locked      *os.File      // the pid file, until the process quits
	pausing     *pausing      // after WINCH; nil while the process accepts
	rested      chan *pausing // gets a value when the last session has ended after WINCH
	control     *controlAPI   // nil without -l
	keepText    bool          // generations keep the text of their files

	orders   orders          // calls of the driver
	driven   <-chan struct{} // closed when the last of them has returned; nil before the first
	patience time.Duration   // how long changes wait for them
	closers  sync.WaitGroup  // the closing of generations that have ended

	signals  *signalSet
	requests chan request
	ended    chan *Generation
	abort    chan struct{} // closed to stop waiting for sessions
	done     chan struct{} // closed when run has returned
	drainers sync.WaitGroup
	quitting bool
}

// A request asks the Master for a reload.
type request struct {
	source parser.Source
	record *errorlog.Log // also gets the lines of the reload; may be nil
	answer chan<- outcome
}

type outcome struct {
	generation *Generation
	found      diag.List
	err        error
}

// newMaster returns a Master that has opened nothing and has no driver yet. c writes to the log of
// signals.
func newMaster(src parser.Source, p paths, c *console, signals *signalSet) *Master {
	m := &Master{
		load: load, source: src, paths: p, console: c, boot: c, ports: listenerSet{}, pause: bindPause,
		redirect: func(p *directives.Program) *logfile.File { return redirectStderr(p) },
		log:      signals.log, signals: signals, pid: &pidFile{}, detach: func() {}, patience: loopPatience,
		requests: make(chan request), ended: make(chan *Generation), rested: make(chan *pausing),
		upgrade: upgrade{ended: make(chan syscall.WaitStatus)}, abort: make(chan struct{}), done: make(chan struct{}),
	}
	m.deadline = newDeadline(m.log, m.pid, c.out)
	m.env = newEnv(m.log.Load)
	m.env.OwnsState = m.owner.has
	m.env.Abort = func(match func(*stream.Session) bool, b *stream.Budget) {
		m.orders.add(func() { m.driver.Abort(match, b) })
	}
	m.web = webserver.NewHub(newWebEnv(m), m.maxConnections)
	c.out.reportTo(m.log)
	return m
}

// newEnv returns the Env of this process. It writes to the log that current returns.
func newEnv(current func() *errorlog.Log) *stream.Env {
	pid := os.Getpid()
	name, _ := os.Hostname()
	var connections atomic.Uint64
	return &stream.Env{
		Now: time.Now, NextID: func() uint64 { return connections.Add(1) },
		Log: followingLog(pid, current), Hostname: strings.ToLower(name), PID: pid,
		Status: status.NewProcess(), Descriptors: stream.NewDescriptors(surveyDescriptors),
	}
}

// serve runs a serving process.
func serve(o Options, p paths, c *console, signals *signalSet) int {
	setName()
	daemon := daemonNotifierOf(o.Args)
	m := newMaster(p.source(o.Globals), p, c, signals)
	m.detach = daemon.detach
	signals.daemon.Store(daemon != nil)
	m.binary = executableOf(o.Args)
	m.systemd = newSupervisor(m.env.PID, isNewBinary() || isSeparate())
	m.activate()
	m.inherit()
	m.followParent()
	context.AfterFunc(signals.urgent, m.deadline.arm)
	m.limits = readGroupLimits(os.DirFS("/"))
	m.limits.apply()
	if o.Watch {
		m.watcher = newWatcher(m.source, usualPace, m.log)
		m.watcher.files = m.files
		m.watcher.start()
	}
	var err error
	if m.control, err = m.listenControl(o.Control); err != nil {
		c.log(errorlog.Emerg, "%v", err)
		return exitFailed
	}
	defer func() { m.control.close(m.sharesSockets(), m.files.parent) }()
	m.channel = &channel{handler: m.commands(), log: m.log, parent: m.files.parent}
	defer m.channel.close()
	if err := m.start(); err != nil {
		return exitCode(signals.end)
	}
	m.control.serve()
	c.out.waitStderr(exitTimeout) // the command that started the daemon ends now; this completes its output
	daemon.complete()
	m.systemd.ready()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go runTrimmer(ctx, &m.tally)
	m.run()
	return exitOK
}

// exitCode returns the code of a start that has failed: a signal to end is no failure.
func exitCode(end context.Context) int {
	if end.Err() != nil {
		return exitOK
	}
	return exitFailed
}

// start opens the first configuration and starts serving. If it fails, it has logged the error and left
// nothing open. Ending now loses nothing, so that QUIT has the same deadline as TERM.
func (m *Master) start() error {
	disarm := context.AfterFunc(m.signals.end, m.deadline.arm)
	defer disarm()
	_, _, err := m.change(m.signals.end, m.source)
	if err == nil {
		return nil
	}
	if m.driver != nil {
		within(m.patience, func() { m.driver.Close() })
	}
	if m.signals.end.Err() != nil {
		m.log.write(errorlog.Notice, "exit")
	}
	return err
}

// run makes one change at a time until a signal ends it; then it has closed everything.
func (m *Master) run() {
	defer close(m.done)
	alive, stop := m.systemd.alive()
	defer stop()
	for !m.quitting || len(m.generations.all()) > 0 {
		if s, pending := m.signals.take(); pending {
			if m.handleSignal(s) {
				break
			}
			continue
		}
		select {
		case <-m.signals.wake:
		case <-alive:
			m.systemd.notify("WATCHDOG=1")
		case r := <-m.requests:
			m.answer(r)
		case why := <-m.changes():
			m.console.log(errorlog.Notice, "%v", why)
			m.reconfigure()
		case how := <-m.upgrade.ended:
			m.endUpgrade(how)
		case p := <-m.rested:
			m.rest(p)
		case g := <-m.ended:
			m.reap(g)
		}
	}
	m.terminate()
}

// handleSignal performs the action of a signal, and reports whether the process must end at once.
func (m *Master) handleSignal(s syscall.Signal) bool {
	switch s {
	case syscall.SIGTERM, syscall.SIGINT:
		return true
	case syscall.SIGQUIT:
		m.quit()
	case syscall.SIGHUP:
		m.reconfigure()
	case syscall.SIGUSR1:
		m.reopen()
	case syscall.SIGUSR2:
		m.changeBinary()
	case syscall.SIGWINCH:
		m.pauseAccepting()
	}
	return false
}

// Reload changes to the configuration of src and returns the result; an error leaves the running
// configuration unchanged. It is safe for concurrent use: changes are made one after another.
func (m *Master) Reload(ctx context.Context, src parser.Source) (*Generation, diag.List, error) {
	return m.request(ctx, request{source: src})
}

// request is Reload for a request without a channel.
func (m *Master) request(ctx context.Context, r request) (*Generation, diag.List, error) {
	answer := make(chan outcome, 1)
	r.answer = answer
	select {
	case m.requests <- r:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-m.done:
		return nil, nil, os.ErrClosed
	}
	o := <-answer
	return o.generation, o.found, o.err
}

func (m *Master) answer(r request) {
	switch {
	case m.quitting:
		r.answer <- outcome{err: os.ErrClosed}
		return
	case m.upgrade.runs():
		r.answer <- outcome{err: errUpgrading}
		return
	}
	m.console.log(errorlog.Notice, "reconfiguring")
	var o outcome
	m.console = m.console.recording(r.record)
	o.generation, o.found, o.err = m.change(m.signals.end, r.source)
	m.console = m.console.recording(nil)
	r.answer <- o
}

// reconfigure reads the configuration again. As in nginx, it does nothing while the process is quitting,
// and while a new binary runs, it only accepts connections again.
func (m *Master) reconfigure() {
	if m.quitting {
		return
	}
	if m.upgrade.runs() {
		m.acceptAgain()
		return
	}
	m.console.log(errorlog.Notice, "reconfiguring")
	m.change(m.signals.end, m.source)
}

// reopen opens the log files again, also those of old configurations that still have sessions. It does
// not wait for that.
func (m *Master) reopen() {
	m.console.log(errorlog.Notice, "reopening logs")
	for _, g := range m.generations.all() {
		reopenLogs(g.Program.Stream.Files, m.console)
	}
}

// quit accepts no more sessions; run ends when the existing ones have ended.
func (m *Master) quit() {
	if m.quitting {
		return
	}
	m.quitting = true
	setTitle(endingTitle)
	m.unlockPid()
	m.systemd.stopping(m.upgrade.pid)
	for _, p := range m.ports { // while connections are admitted: another binary may share the sockets
		m.pauseListener(p)
	}
	last := m.current.Swap(nil)
	m.endPause()
	for _, p := range m.ports {
		m.drop(p)
	}
	m.retire(last)
}

// terminate ends the remaining sessions and closes everything. Each step has its own time limit; the next
// one does not depend on its completion.
func (m *Master) terminate() {
	if !m.quitting {
		m.systemd.stopping(m.upgrade.pid)
	}
	m.quitting = true
	m.deadline.arm()      // also for the time until the process exits
	m.signals.setUrgent() // stops all waits for the driver
	m.endPause()
	close(m.abort)
	for _, p := range m.ports {
		m.drop(p)
	}
	current := m.current.Swap(nil)
	halted := run(func() { // begins at once: a part may have to write its state
		if current != nil {
			current.halt()
		}
		m.drainers.Wait()
		m.watcher.close()
	})
	ended(sessionsPatience, m.orders.add(func() {
		m.driver.Close()
		m.web.Abort(nil)
	}))
	ended(runnersPatience, halted)
	for _, g := range m.generations.all() {
		m.reap(g)
	}
	if err := m.pid.remove(); err != nil {
		m.console.log(errorlog.Alert, "%v", err)
	}
	m.console.log(errorlog.Notice, "exit")
	within(logsPatience, func() {
		m.closers.Wait()
		m.close(m.latest, m.console)
	})
}

// reap removes a generation whose last session has ended. The latest one keeps its log files open: the
// process still writes to them.
func (m *Master) reap(g *Generation) {
	m.generations.remove(g)
	m.console.log(errorlog.Notice, "exiting")
	m.console.log(errorlog.Notice, "exit")
	m.console.log(errorlog.Notice, "worker process %d exited with code 0", m.env.PID)
	if g != m.latest {
		console := m.console
		m.closers.Go(func() { m.close(g, console) })
	}
}

// close closes a generation, and may wait for its logs. Any goroutine may call it.
func (m *Master) close(g *Generation, c *console) {
	if err := g.close(); err != nil {
		c.log(errorlog.Alert, "%v", err)
	}
}
