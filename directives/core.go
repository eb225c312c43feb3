package directives

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"weir/directives/conf"
	"weir/internal/ascii"
	"weir/internal/errorlog"
	"weir/parser/diag"
)

// coreConf holds the settings of the main level.
type coreConf struct {
	daemon          conf.Opt[bool]
	pid             conf.Opt[string]
	env             []string // NAME or NAME=VALUE
	user, group     string
	transparent     bool          // a connection to a server may have a foreign source address
	workers         conf.Opt[int] // 0 means auto
	rlimitNofile    conf.Opt[int64]
	rlimitCore      conf.Opt[int64]
	shutdownTimeout conf.Opt[time.Duration]
	workingDir      conf.Opt[string]
	loaded          []string // modules loaded by load_module
	blocks          bool     // a block that uses modules has been read
	errorLog        errorLogConf
	logs            []*errorlog.Log // of all levels
	logRepeat       conf.Opt[int]   // messages per second
	stderrLogged    bool            // an error_log of any level is standard error
	priority        int             // of workers
	affinity        Affinity        // of workers
	pools           map[string]bool // the names of thread pools
}

// coreModule is the main level of ngx_core_module.
var coreModule = &conf.CoreModule{
	Name:   "ngx_core_module",
	Tables: []conf.Table{&conf.Settings[coreConf]{Of: conf.Main, Entries: coreEntries}},
}

// coreEntries are the directives of the main level.
var coreEntries = []conf.Entry[coreConf]{
	{Name: "daemon", In: conf.Main, Args: conf.OnOff, Default: "on",
		Set: conf.Flag(func(c *coreConf) *conf.Opt[bool] { return &c.daemon })},
	{Name: "debug_points", In: conf.Main, Args: conf.Take(1), Support: conf.Inert, Set: oneOf("abort", "stop")},
	{Name: "env", In: conf.Main, Args: conf.Take(1), Default: "TZ", Repeat: true,
		Set: func(c *coreConf, call *conf.Call) { c.env = append(c.env, call.Arg(0)) }},
	{Name: "error_log", In: conf.Main, Args: conf.AtLeast(1), Default: "logs/error.log error", Repeat: true,
		Set: func(c *coreConf, call *conf.Call) { c.errorLog.set(call) }},
	{Name: "fleet_log_repeat", In: conf.Main, Args: conf.Take(1), Default: "off", Extension: true,
		Set: rateOrOff(func(c *coreConf) *conf.Opt[int] { return &c.logRepeat })},
	{Name: "include", In: conf.Main | conf.Events | either | conf.Upstream | conf.Mgmt | httpLevels, Args: conf.Take(1), Repeat: true},
	{Name: "load_module", In: conf.Main, Args: conf.Take(1), Repeat: true, Support: conf.Inert, Set: (*coreConf).loadModule},
	{Name: "lock_file", In: conf.Main, Args: conf.Take(1), Default: "logs/nginx.lock", Support: conf.Inert},
	// There are no workers and thus no master of workers: weir is always one process, as with
	// `master_process off`.
	{Name: "master_process", In: conf.Main, Args: conf.OnOff, Default: "on", Support: conf.Inert,
		Set: conf.Flag(ignore[coreConf, bool])},
	{Name: "pcre_jit", In: conf.Main, Args: conf.OnOff, Default: "off", Support: conf.Inert, Set: conf.Flag(ignore[coreConf, bool])},
	{Name: "pid", In: conf.Main, Args: conf.Take(1), Default: "logs/nginx.pid",
		Set: conf.String(func(c *coreConf) *conf.Opt[string] { return &c.pid })},
	{Name: "ssl_engine", In: conf.Main, Args: conf.Take(1), Support: conf.Refused},
	{Name: "ssl_object_cache_inheritable", In: conf.Main, Args: conf.OnOff, Default: "on", Support: conf.Inert,
		Set: conf.Flag(ignore[coreConf, bool])},
	{Name: "thread_pool", In: conf.Main, Args: conf.Take(2, 3), Default: "default threads=32 max_queue=65536", Repeat: true,
		Support: conf.Inert, Set: (*coreConf).threadPool},
	{Name: "timer_resolution", In: conf.Main, Args: conf.Take(1), Support: conf.Inert, Set: conf.Msec(ignore[coreConf, time.Duration])},
	{Name: "user", In: conf.Main, Args: conf.Take(1, 2), Default: "nobody nobody", Set: (*coreConf).setUser},
	{Name: "worker_cpu_affinity", In: conf.Main, Args: conf.AtLeast(1), Set: (*coreConf).setAffinity},
	{Name: "worker_priority", In: conf.Main, Args: conf.Take(1), Default: "0", Repeat: true, Set: (*coreConf).setPriority},
	{Name: "worker_processes", In: conf.Main, Args: conf.Take(1), Default: "1", Set: (*coreConf).setWorkers},
	{Name: "worker_rlimit_core", In: conf.Main, Args: conf.Take(1),
		Set: conf.Offset(func(c *coreConf) *conf.Opt[int64] { return &c.rlimitCore })},
	{Name: "worker_rlimit_nofile", In: conf.Main, Args: conf.Take(1),
		Set: conf.Number(func(c *coreConf) *conf.Opt[int64] { return &c.rlimitNofile })},
	{Name: "worker_shutdown_timeout", In: conf.Main, Args: conf.Take(1),
		Set: conf.Msec(func(c *coreConf) *conf.Opt[time.Duration] { return &c.shutdownTimeout })},
	{Name: "working_directory", In: conf.Main, Args: conf.Take(1),
		Set: conf.String(func(c *coreConf) *conf.Opt[string] { return &c.workingDir })},
}

// ignore is the field of a value that is checked and then discarded.
func ignore[C, T any](*C) *conf.Opt[T] { return new(conf.Opt[T]) }

// oneOf is the setter of a word, in any case, that is checked and then discarded.
func oneOf(words ...string) func(*coreConf, *conf.Call) {
	return func(_ *coreConf, call *conf.Call) {
		if !slices.Contains(words, ascii.ToLower(call.Arg(0))) {
			call.Fail(&call.Args()[0], "invalid value \"%s\"", call.Arg(0))
		}
	}
}

// setPriority follows ngx_set_priority, where a priority of 0 means unset.
func (c *coreConf) setPriority(call *conf.Call) {
	if c.priority != 0 {
		call.FailValue("is duplicate")
		return
	}
	text := call.Arg(0)
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		text = text[1:]
	}
	n, ok := conf.ParseNumber(text)
	if !ok {
		call.FailValue("invalid number")
		return
	}
	c.priority = conf.Int(n)
	if strings.HasPrefix(call.Arg(0), "-") {
		c.priority = -c.priority
	}
}

// loadModule records the name of a module. Its directives are either linked into weir or unknown.
func (c *coreConf) loadModule(call *conf.Call) {
	if c.blocks {
		call.FailValue("is specified too late")
		return
	}
	name := strings.TrimSuffix(path.Base(call.Arg(0)), ".so")
	if slices.Contains(c.loaded, name) {
		call.Fail(&call.Args()[0], "module \"%s\" is already loaded", name)
		return
	}
	c.loaded = append(c.loaded, name)
}

// setUser follows ngx_set_user.
func (c *coreConf) setUser(call *conf.Call) {
	if !call.Compiler().Env.Root {
		call.Warn(&call.Args()[0], "the \"user\" directive makes sense only if the master process runs with super-user privileges, ignored")
		return
	}
	c.user, c.group = call.Arg(0), call.Arg(0)
	if len(call.Args()) == 2 {
		c.group = call.Arg(1)
	}
	env := call.Compiler().Env
	_, err := env.UserID(c.user)
	switch {
	case err == nil && !env.GroupExists(c.group):
		call.Fail(&call.Args()[len(call.Args())-1], "getgrnam(\"%s\") failed", c.group)
		if len(call.Args()) == 1 {
			call.Advise(fmt.Sprintf("without a second argument the group has the user's name; if it has another: user %s GROUP;", c.user))
		}
	case errors.Is(err, fs.ErrNotExist): // usual in an image that contains only the program
		call.Warn(&call.Args()[0], "no user database, \"user\" is ignored and weir continues as root")
		c.user, c.group = "", ""
	case err != nil:
		call.Fail(&call.Args()[0], "getpwnam(\"%s\") failed", c.user)
	}
}

func (c *coreConf) setWorkers(call *conf.Call) {
	if call.Arg(0) == "auto" {
		c.workers.Set(0)
		return
	}
	n, ok := conf.ParseNumber(call.Arg(0))
	if !ok {
		call.FailValue("invalid value")
		return
	}
	c.workers.Set(max(conf.Int(n), 1))
}

// eventsMain holds the settings of events {} for the process.
type eventsMain struct {
	given       bool // there is an events block
	connections conf.Opt[int]
}

// eventsConf holds the settings of events {} while it is read.
type eventsConf struct {
	connections conf.Opt[int]
}

// eventsModule is the events block of ngx_core_module.
var eventsModule = &conf.CoreModule{
	Name: "ngx_core_module",
	Tables: []conf.Table{
		&conf.Settings[eventsMain]{Of: conf.Main, Entries: []conf.Entry[eventsMain]{
			{Name: "events", In: conf.Main, Args: conf.None, Body: conf.Nested, Set: (*eventsMain).block},
		}},
		&conf.Settings[eventsConf]{Of: conf.Events, Entries: eventsEntries},
	},
}

// eventsEntries are the directives of events {}.
var eventsEntries = []conf.Entry[eventsConf]{
	{Name: "accept_mutex", In: conf.Events, Args: conf.OnOff, Default: "off", Support: conf.Inert,
		Set: conf.Flag(ignore[eventsConf, bool])},
	{Name: "accept_mutex_delay", In: conf.Events, Args: conf.Take(1), Default: "500ms", Support: conf.Inert,
		Set: conf.Msec(ignore[eventsConf, time.Duration])},
	{Name: "debug_connection", In: conf.Events, Args: conf.Take(1), Repeat: true, Support: conf.Inert, Set: debugConnection},
	{Name: "epoll_events", In: conf.Events, Args: conf.Take(1), Default: "512", Support: conf.Inert, Set: conf.Number(ignore[eventsConf, int64])},
	{Name: "multi_accept", In: conf.Events, Args: conf.OnOff, Default: "off", Support: conf.Inert,
		Set: conf.Flag(ignore[eventsConf, bool])},
	{Name: "stall_threshold", In: conf.Events, Args: conf.Take(1), Default: "1000ms", Support: conf.Inert,
		Set: conf.Msec(ignore[eventsConf, time.Duration])},
	{Name: "use", In: conf.Events, Args: conf.Take(1), Support: conf.Inert, Set: useMethod},
	{Name: "worker_aio_requests", In: conf.Events, Args: conf.Take(1), Default: "32", Support: conf.Inert,
		Set: conf.Number(ignore[eventsConf, int64])},
	{Name: "worker_connections", In: conf.Events, Args: conf.Take(1), Default: "512", Set: (*eventsConf).setConnections},
}

func (c *eventsMain) block(call *conf.Call) {
	c.given = true
	conf.At[coreConf](call.Level).blocks = true
	c.connections = conf.At[eventsConf](call.Nest(conf.Events)).connections
}

// debugConnection follows ngx_event_debug_connection.
func debugConnection(_ *eventsConf, call *conf.Call) {
	word := &call.Args()[0]
	if word.Text == "unix:" {
		return
	}
	if _, ok := call.CIDR(word); ok {
		return
	}
	if _, err := (conf.Address{Host: word.Text}).Resolve(call.Compiler().Env.LookupHost); err != nil {
		call.Fail(word, "%s in debug_connection \"%s\"", err, word.Text)
	}
}

// useMethod accepts the methods that nginx has on Linux when built without poll and select.
func useMethod(_ *eventsConf, call *conf.Call) {
	if call.Arg(0) != "epoll" {
		call.Fail(&call.Args()[0], "invalid event type \"%s\"", call.Arg(0))
	}
}

func (c *eventsConf) setConnections(call *conf.Call) {
	n, ok := conf.ParseNumber(call.Arg(0))
	if !ok {
		call.Fail(&call.Args()[0], "invalid number \"%s\"", call.Arg(0))
		return
	}
	c.connections.Set(conf.Int(n))
}

// check follows ngx_event_init_conf.
func (c *eventsMain) check(compiler *conf.Compiler) {
	n, sockets := c.connections.Or(512), len(configOf(compiler.Main).Listens)+len(webOf(compiler.Main).Listens)
	switch {
	case !c.given:
		compiler.ReportLate(diag.Emerg, "no \"events\" section in configuration")
	case n < sockets+1:
		compiler.ReportLate(diag.Emerg, "%d worker_connections are not enough for %d listening sockets", n, sockets)
	}
}

// compileMain makes the Program from the walked configuration, without the tree.
func compileMain(c *conf.Compiler) *Program {
	core, events, config := conf.At[coreConf](c.Main), conf.At[eventsMain](c.Main), configOf(c.Main)
	core.warnOfMasks(c)
	events.check(c)
	putUnsizedZones(config, c.UnsizedZones())
	log := mainErrorLog(c)
	core.errorLog.complete(c)
	core.limitRepeats()
	return &Program{
		Stream: config, Web: conf.At[processConf](c.Main).web,
		Main: Main{
			Daemon: core.daemon.Or(true), PidFile: core.pidFile(c.Env), User: core.user, Group: core.group,
			Transparent:     core.transparent,
			WorkerProcesses: core.workers.Or(1), WorkerConnections: events.connections.Or(512),
			RlimitNofile: uint64(core.rlimitNofile.Or(0)), RlimitCore: uint64(core.rlimitCore.Or(0)),
			Priority: core.priority, Affinity: core.affinity,
			ShutdownTimeout: core.shutdownTimeout.Or(0), WorkingDirectory: core.workingDir.Or(""), Env: core.env,
			ErrorLog: log, ErrorLogs: core.logs, ErrorLogFile: core.errorLog.file(), ErrorLogStderr: core.errorLog.hasStderr(),
			StderrLogged: core.stderrLogged,
		},
	}
}

// limitRepeats applies fleet_log_repeat to the error logs of all levels.
func (c *coreConf) limitRepeats() {
	most := c.logRepeat.Or(0)
	if most == 0 {
		return
	}
	for _, l := range c.logs {
		l.LimitRepeats(most)
	}
}

// pidFile is the path of the pid file. An empty path selects the default.
func (c *coreConf) pidFile(env *conf.Env) string {
	if c.pid.Or("") == "" {
		return env.Path(env.PidFile)
	}
	return env.Path(c.pid.Or(""))
}

// mainErrorLog returns the process's log and makes it on the first call: for stream {}, whose
// servers inherit it, or at the end.
func mainErrorLog(c *conf.Compiler) *errorlog.Log {
	core := conf.At[coreConf](c.Main)
	return core.errorLog.build(c, nil)
}
