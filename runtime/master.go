package runtime

import (
	"context"
	"os"
	"slices"
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
	"weir/stream"
)

// A Master runs one configuration after another. All of its state but what is atomic belongs to the goroutine that starts it and
// then runs it; others ask for changes by values on channels.
type Master struct {
	load        func(parser.Source, *conf.Env) (*directives.Program, diag.List)
	source      parser.Source
	paths       paths
	env         *stream.Env
	driver      stream.Driver
	limits      groupLimits                // of the process
	tally       tally                      // of the sessions of all generations
	loops       int                        // of the driver: with reuseport each has a socket of its own
	current     atomic.Pointer[Generation] // nil before the first, and once no more sessions are taken
	log         *currentLog
	console     *console
	boot        *console // of the time before there was a configuration; nil once one is in use
	pid         *pidFile
	deadline    *deadline
	ports       listenerSet
	latest      *Generation   // whose log the process writes to
	generations []*Generation // that have sessions or will have
	lastID      uint64
	pause       time.Duration                           // between attempts to bind
	watcher     *watcher                                // nil without -watch
	redirect    func(*directives.Program) *logfile.File // redirectStderr
	stderrIs    *logfile.File                           // what standard error was redirected to; nil: nothing
	detach      func()                                  // called once, before the pid file is written

	orders   orders          // calls of the driver
	driven   <-chan struct{} // closed when the last of them has returned; nil before the first
	patience time.Duration   // how long changes wait for that
	closers  sync.WaitGroup  // the closing of generations that have ended

	signals  *signalSet
	requests chan request
	ended    chan *Generation
	abort    chan struct{} // closed when nobody waits for sessions any more
	done     chan struct{} // closed when run has returned
	drainers sync.WaitGroup
	quitting bool
}

// A request asks the Master for a reload.
type request struct {
	source parser.Source
	answer chan<- outcome
}

type outcome struct {
	generation *Generation
	found      diag.List
	err        error
}

// newMaster returns a Master that has opened nothing, and lacks its driver. c writes to the log of signals.
func newMaster(src parser.Source, p paths, c *console, signals *signalSet) *Master {
	m := &Master{
		load: load, source: src, paths: p, console: c, boot: c, ports: listenerSet{}, pause: bindPause, redirect: redirectStderr,
		log: signals.log, signals: signals, pid: &pidFile{}, detach: func() {}, patience: loopPatience,
		requests: make(chan request), ended: make(chan *Generation), abort: make(chan struct{}), done: make(chan struct{}),
	}
	m.deadline = newDeadline(m.log, m.pid, c.out)
	m.env = newEnv(m.log.Load)
	c.out.reportTo(m.log)
	return m
}

// newEnv returns the Env of this process, whose log is the one that current returns.
func newEnv(current func() *errorlog.Log) *stream.Env {
	pid := os.Getpid()
	name, _ := os.Hostname()
	var connections atomic.Uint64
	return &stream.Env{
		Now: time.Now, NextID: func() uint64 { return connections.Add(1) },
		Log: followingLog(pid, current), Hostname: strings.ToLower(name), PID: pid,
		Descriptors: stream.NewDescriptors(surveyDescriptors),
	}
}

// serve runs the process that serves.
func serve(o Options, p paths, c *console, signals *signalSet) int {
	setName()
	daemon := daemonNotifierOf(o.Args)
	m := newMaster(p.source(o.Globals), p, c, signals)
	m.detach = daemon.detach
	context.AfterFunc(signals.urgent, m.deadline.arm)
	m.limits = readGroupLimits(os.DirFS("/"))
	m.limits.apply()
	if o.Watch {
		m.watcher = newWatcher(m.source, usualPace, m.log)
		m.watcher.start()
	}
	switch err := m.start(); {
	case signals.end.Err() != nil && err != nil:
		return exitOK
	case err != nil:
		return exitFailed
	}
	c.out.waitStderr(exitTimeout) // the command that started the daemon ends now, and its output is complete
	daemon.complete()
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go keepTrim(ctx, &m.tally)
	m.run()
	return exitOK
}

// start opens the first configuration, after which connections are served. The error has been logged, and nothing is left open. Nothing
// is lost by an end at this time, so that QUIT has the deadline of TERM.
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
		m.log.say(errorlog.Notice, "exit")
	}
	return err
}

// run makes one change at a time until it is told to end; then nothing of m is left.
func (m *Master) run() {
	defer close(m.done)
	for !m.quitting || len(m.generations) > 0 {
		if s, pending := m.signals.take(); pending {
			if m.handleSignal(s) {
				break
			}
			continue
		}
		select {
		case <-m.signals.wake:
		case r := <-m.requests:
			m.answer(r)
		case why := <-m.watcher.changes():
			m.console.log(errorlog.Notice, "%v", why)
			m.reconfigure()
		case g := <-m.ended:
			m.reap(g)
		}
	}
	m.terminate()
}

// handleSignal does what a signal asks for, and reports whether it is to end at once.
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
	}
	return false
}

// Reload changes to the configuration of src and returns what came of it; an error leaves the running configuration alone. It is a
// ReloadFunc, safe for concurrent use: changes are made one after another.
func (m *Master) Reload(ctx context.Context, src parser.Source) (*Generation, diag.List, error) {
	answer := make(chan outcome, 1)
	select {
	case m.requests <- request{src, answer}:
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	case <-m.done:
		return nil, nil, os.ErrClosed
	}
	o := <-answer
	return o.generation, o.found, o.err
}

// A ReloadFunc changes to the configuration of src. On error the running generation has not been touched.
type ReloadFunc func(ctx context.Context, src parser.Source) (*Generation, diag.List, error)

func (m *Master) answer(r request) {
	if m.quitting {
		r.answer <- outcome{err: os.ErrClosed}
		return
	}
	m.console.log(errorlog.Notice, "reconfiguring")
	var o outcome
	o.generation, o.found, o.err = m.change(m.signals.end, r.source)
	r.answer <- o
}

// reconfigure reads the configuration anew. As in nginx nothing happens once the process is to end.
func (m *Master) reconfigure() {
	if m.quitting {
		return
	}
	m.console.log(errorlog.Notice, "reconfiguring")
	m.change(m.signals.end, m.source)
}

// reopen has the log files opened again, also those of configurations that only their last sessions use. It does not wait for that.
func (m *Master) reopen() {
	m.console.log(errorlog.Notice, "reopening logs")
	for _, g := range m.generations {
		reopenLogs(g.Program.Stream.Files, m.console)
	}
}

// quit takes no more sessions; run ends when those that there are have ended.
func (m *Master) quit() {
	if m.quitting {
		return
	}
	m.quitting = true
	last := m.current.Swap(nil)
	for _, p := range m.ports {
		m.drop(p)
	}
	m.retire(last)
}

// terminate cuts the sessions that are left, and closes everything. Each step has its share of the time; the next one does not depend on
// the end of the one before.
func (m *Master) terminate() {
	m.quitting = true
	m.deadline.arm()      // also for what follows until the process exits
	m.signals.setUrgent() // nothing waits for the driver any more
	close(m.abort)
	for _, p := range m.ports {
		m.drop(p)
	}
	ended(sessionsPatience, m.orders.give(func() { m.driver.Close() }))
	current := m.current.Swap(nil)
	within(runnersPatience, func() {
		m.drainers.Wait()
		m.watcher.close()
		if current != nil {
			current.halt()
		}
	})
	for _, g := range m.generations {
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

// reap forgets a generation that has no sessions any more. The newest keeps its log files open: the process still writes to them.
func (m *Master) reap(g *Generation) {
	m.generations = slices.DeleteFunc(slices.Clone(m.generations), func(l *Generation) bool { return l == g })
	m.console.log(errorlog.Notice, "exiting")
	m.console.log(errorlog.Notice, "exit")
	m.console.log(errorlog.Notice, "worker process %d exited with code 0", m.env.PID)
	if g != m.latest {
		console := m.console
		m.closers.Go(func() { m.close(g, console) })
	}
}

// close closes a generation, which may wait for its logs. It is for any goroutine.
func (m *Master) close(g *Generation, c *console) {
	if err := g.close(); err != nil {
		c.log(errorlog.Alert, "%v", err)
	}
}
