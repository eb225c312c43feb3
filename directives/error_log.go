package directives

import (
	"slices"
	"strings"

	"weir/directives/conf"
	"weir/internal/errorlog"
	"weir/parser"
)

// errorLogConf collects the error_log directives of one level: main, stream {} or a server.
//
// See https://nginx.org/en/docs/ngx_core_module.html#error_log.
type errorLogConf struct {
	targets []errorTarget
	log     *errorlog.Log // once built
}

type errorTarget struct {
	level  errorlog.Level
	to     errorlog.Target
	file   string // full path; empty if the target is not a file
	stderr bool
	json   bool
}

func (t *errorTarget) addTo(l *errorlog.Log) {
	if t.json {
		l.AddJSON(t.level, t.to)
		return
	}
	l.Add(t.level, t.to)
}

// set reads one error_log. It follows ngx_log_set_log: first the target, then the level.
func (e *errorLogConf) set(call *conf.Call) {
	t, ok := parseErrorTarget(call, &call.Args()[0])
	if !ok {
		return
	}
	words := call.Args()[1:]
	if n := len(words); n > 0 && words[n-1].Text == "json" {
		t.json = true
		words = words[:n-1]
	}
	if t.level, ok = parseErrorLevel(call, words); !ok {
		return
	}
	e.targets = append(e.targets, t)
	if e.log != nil {
		t.addTo(e.log)
	}
}

func parseErrorTarget(call *conf.Call, word *parser.Word) (errorTarget, bool) {
	switch name := word.Text; {
	case name == "stderr":
		return stderrTarget(call.Compiler()), true
	case strings.HasPrefix(name, "memory:"):
		call.Fail(word, "nginx was built without debug support")
		return errorTarget{}, false
	case strings.HasPrefix(name, syslogPrefix):
		s, _, ok := parseSyslog(call, word)
		return errorTarget{to: s}, ok
	}
	return fileTarget(call.Compiler(), word.Text), true
}

func stderrTarget(c *conf.Compiler) errorTarget {
	conf.At[coreConf](c.Main).stderrLogged = true
	return errorTarget{to: errorlog.Lines(c.Env.Console()), stderr: true}
}

// fileTarget returns the target for the file of that name; an empty name is standard error, as in
// ngx_conf_open_file.
func fileTarget(c *conf.Compiler, name string) errorTarget {
	if name == "" || name == "stderr" {
		return stderrTarget(c)
	}
	path := c.Env.Path(name)
	return errorTarget{to: errorlog.Lines(configOf(c.Main).Files.Get(path)), file: path}
}

// parseErrorLevel reads the words after the target except json: one level, or any number of nginx's
// debug levels. It follows ngx_log_set_levels.
func parseErrorLevel(call *conf.Call, words []parser.Word) (errorlog.Level, bool) {
	var level errorlog.Level
	debugging := false
	for i := range words {
		word := &words[i]
		named, isLevel := errorlog.ParseLevel(word.Text)
		switch {
		case isLevel && (level != 0 || debugging):
			call.Fail(word, "duplicate log level \"%s\"", word.Text)
			return 0, false
		case isLevel:
			level = named
		case isDebugLevel(word.Text) && level == 0:
			debugging = true
		default:
			call.Fail(word, "invalid log level \"%s\"", word.Text)
			return 0, false
		}
	}
	if debugging {
		return errorlog.Debug, true
	}
	if level == 0 {
		return errorlog.Error, true
	}
	return level, true
}

// isDebugLevel reports whether name is one of the parts of nginx that have debug messages.
func isDebugLevel(name string) bool {
	switch name {
	case "debug_core", "debug_alloc", "debug_mutex", "debug_event", "debug_http", "debug_mail", "debug_stream":
		return true
	}
	return false
}

// build returns the log of the level: its own targets, or else the parent's log. The log of the
// main level, which has no parent, can be built before all its directives have been read; complete
// finishes it.
func (e *errorLogConf) build(c *conf.Compiler, parent *errorlog.Log) *errorlog.Log {
	if e.log != nil {
		return e.log
	}
	if len(e.targets) == 0 && parent != nil {
		return parent
	}
	e.log = errorlog.New(c.Env.Now, c.Env.PID)
	core := conf.At[coreConf](c.Main)
	core.logs = append(core.logs, e.log)
	for _, t := range e.targets {
		t.addTo(e.log)
	}
	return e.log
}

// complete adds the default file to the log of the main level, if that log has neither a file nor
// standard error (ngx_log_open_default).
func (e *errorLogConf) complete(c *conf.Compiler) {
	if e.file() != "" || e.hasStderr() {
		return
	}
	t := fileTarget(c, c.Env.ErrorLog)
	t.level = errorlog.Error
	e.targets = append(e.targets, t)
	e.log.Add(t.level, t.to)
}

// file returns the path of the first file among the targets; empty if there is none.
func (e *errorLogConf) file() string {
	for _, t := range e.targets {
		if t.file != "" {
			return t.file
		}
	}
	return ""
}

// hasStderr reports whether standard error is among the targets.
func (e *errorLogConf) hasStderr() bool {
	return slices.ContainsFunc(e.targets, func(t errorTarget) bool { return t.stderr })
}
