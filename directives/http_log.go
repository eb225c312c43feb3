package directives

import (
	"strings"

	"weir/directives/conf"
	"weir/internal/ascii"
	"weir/internal/logescape"
	"weir/parser"
	"weir/web"
	"weir/web/modules/accesslog"
)

// httpLogMain holds the formats of http {}.
type httpLogMain struct {
	formats []httpLogFormat
}

// httpLog holds the logs of one level.
type httpLog struct {
	logs []*accesslog.Logger
	off  bool
}

// An httpLogFormat is one log_format.
type httpLogFormat struct {
	name   string
	format *accesslog.Format
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

// logFormat follows ngx_http_log_set_format.
func (c *httpLogMain) logFormat(call *conf.Call) {
	name := call.Arg(0)
	if name == "combined" || c.find(name) != nil {
		call.Fail(&call.Args()[0], "duplicate \"log_format\" name \"%s\"", name)
		return
	}
	texts := call.Args()[1:]
	escape := logescape.Default
	if how, ok := strings.CutPrefix(texts[0].Text, "escape="); ok {
		if escape, ok = logescape.Parse(how); !ok {
			call.Fail(&texts[0], "unknown log format escaping \"%s\"", how)
			return
		}
		texts = texts[1:]
	}
	format, err := accesslog.ParseFormat(strings.Join(wordTexts(texts), ""), escape, webOf(call.Level).Vars)
	if err != nil {
		call.Fail(&call.Args()[1], "%v", err)
		return
	}
	c.formats = append(c.formats, httpLogFormat{name, format})
}

// find returns the format of that name, without regard to case; nil if there is none.
func (c *httpLogMain) find(name string) *accesslog.Format {
	for _, f := range c.formats {
		if ascii.EqualFold(f.name, name) {
			return f.format
		}
	}
	return nil
}

// format returns the format of that name, which may be the predefined one.
func (c *httpLogMain) format(vars *web.VarTable, name string) *accesslog.Format {
	if f := c.find(name); f != nil || !ascii.EqualFold(name, "combined") {
		return f
	}
	f, _ := accesslog.ParseFormat(combinedText, logescape.Default, vars)
	c.formats = append(c.formats, httpLogFormat{"combined", f})
	return f
}

// accessLog follows ngx_http_log_set_log: first the target, then the format, then the other parameters.
func (c *httpLog) accessLog(call *conf.Call) {
	if call.Arg(0) == "off" {
		c.off = true
		if len(call.Args()) > 1 {
			call.Fail(&call.Args()[1], "invalid parameter \"%s\"", call.Arg(1))
		}
		return
	}
	l := &accesslog.Logger{}
	if !setTarget(call, l) {
		return
	}
	name, word := "combined", &call.Args()[0]
	if len(call.Args()) > 1 {
		name, word = call.Arg(1), &call.Args()[1]
	}
	if l.Format = conf.At[httpLogMain](call.Level).format(webOf(call.Level).Vars, name); l.Format == nil {
		call.Fail(word, "unknown log format \"%s\"", name)
		return
	}
	ok := readLogParameters(call, l.File, l.Path.HasVariables(), func(word *parser.Word) bool {
		cond, ok := parseWebTemplate(call, word)
		l.If = &cond
		return ok
	})
	if ok {
		c.logs = append(c.logs, l)
	}
}

// setTarget reads the destination of a log.
func setTarget(call *conf.Call, l *accesslog.Logger) bool {
	word := &call.Args()[0]
	c := call.Compiler()
	switch {
	case strings.HasPrefix(word.Text, syslogPrefix):
		var ok bool
		l.Syslog, l.Severity, ok = parseSyslog(call, word)
		return ok
	case strings.Contains(word.Text, "$"):
		full := *word
		full.Text = c.Env.Path(word.Text)
		var ok bool
		l.Path, ok = parseWebTemplate(call, &full)
		return ok
	}
	name := "/dev/stderr" // as in ngx_conf_open_file
	if word.Text != "" {
		name = c.Env.Path(word.Text)
	}
	l.File = configOf(c.Main).Files.Get(name)
	return true
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
		Format: conf.At[httpLogMain](b.block).format(b.config.Vars, "combined"),
		File:   configOf(b.Main).Files.Get(b.Env.Path(defaultAccessLog)),
	}
}
