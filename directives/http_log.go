package directives

import (
	"weir/directives/conf"
	"weir/internal/logescape"
	"weir/parser"
	"weir/web"
	"weir/web/modules/accesslog"
)

// httpLogMain holds the formats of http {}; combined is the first.
type httpLogMain struct{ logFormats[accesslog.Format] }

// httpLog holds the logs of one level.
type httpLog struct {
	logs []*accesslog.Logger
	off  bool
}

// combinedText is nginx's format for logs without one.
const combinedText = `$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"`

// defaultAccessLog is the log of servers without an access_log.
const defaultAccessLog = "logs/access.log"

// httpLogModule is ngx_http_log_module.
var httpLogModule = &httpModule[httpLogMain, none, httpLog]{
	Name: "ngx_http_log_module",
	Main: []conf.Entry[httpLogMain]{
		{Name: "log_format", In: conf.HTTP, Args: conf.AtLeast(2), Default: `combined "..."`, Repeat: true, Set: (*httpLogMain).logFormat},
	},
	Location: []conf.Entry[httpLog]{
		{Name: "access_log", In: httpAnywhere | conf.LimitExcept, Args: conf.AtLeast(1), Default: "logs/access.log combined", Repeat: true,
			Set: (*httpLog).accessLog},
		{Name: "open_log_file_cache", In: httpAll, Args: conf.Take(1, 2, 3, 4), Default: "off", Support: conf.Inert},
	},
	MergeLocation: (*httpLog).merge,
	Build:         (*httpLog).build,
}

// predefine adds the format combined.
func (c *httpLogMain) predefine(vars *web.VarTable) {
	combined, err := accesslog.ParseFormat([]string{combinedText}, logescape.Default, vars)
	if err != nil {
		panic("directives: " + err.Error())
	}
	c.formats = append(c.formats, logFormat[accesslog.Format]{"combined", combined})
}

// logFormat follows ngx_http_log_set_format.
func (c *httpLogMain) logFormat(call *conf.Call) {
	vars := webOf(call.Level).Vars
	c.read(call, func(texts []string, escape logescape.Escape) (*accesslog.Format, error) {
		return accesslog.ParseFormat(texts, escape, vars)
	})
}

// accessLog follows ngx_http_log_set_log: first the target, then the format, then the other parameters.
func (c *httpLog) accessLog(call *conf.Call) {
	if readsLogOff(call) {
		c.off = true
		return
	}
	l, ok := parseWebTarget(call)
	if !ok {
		return
	}
	name, word := "combined", &call.Args()[0]
	if len(call.Args()) > 1 {
		name, word = call.Arg(1), &call.Args()[1]
	}
	if l.Format = conf.At[httpLogMain](call.Level).find(call, name, word); l.Format == nil {
		return
	}
	ok = readLogParameters(call, l.File, l.Path.HasVariables(), func(word *parser.Word) bool {
		cond, ok := parseWebTemplate(call, word)
		l.If = &cond
		return ok
	})
	if ok {
		c.logs = append(c.logs, l)
	}
}

// parseWebTarget reads the destination of a log.
func parseWebTarget(call *conf.Call) (l *accesslog.Logger, ok bool) {
	t, ok := readLogTarget(call)
	l = &accesslog.Logger{Syslog: t.syslog, Severity: t.severity, File: t.file}
	if t.path != nil {
		l.Path, ok = parseWebTemplate(call, t.path)
	}
	return l, ok
}

// merge follows ngx_http_log_merge_loc_conf: an inner list, or "off", replaces the whole outer list.
func (c *httpLog) merge(child *httpLog) {
	if child.logs == nil && !child.off {
		child.logs, child.off = c.logs, c.off
	}
}

func (c *httpLog) build(b *locationBuild) {
	switch {
	case c.off:
		return
	case c.logs == nil && conf.At[httpServer](b.level).isServed():
		c.logs = []*accesslog.Logger{b.defaultLog()}
	}
	for _, l := range c.logs {
		b.location.Loggers = append(b.location.Loggers, l)
	}
}

// defaultLog returns the log of a location without any.
func (b *locationBuild) defaultLog() *accesslog.Logger {
	return &accesslog.Logger{
		Format: conf.At[httpLogMain](b.block).formats[0].format,
		File:   configOf(b.Main).Files.Get(b.Env.Path(defaultAccessLog)),
	}
}
