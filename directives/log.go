package directives

import (
	"context"
	"fmt"
	"strings"
	"time"

	"weir/directives/conf"
	"weir/internal/ascii"
	"weir/internal/errorlog"
	"weir/internal/logescape"
	"weir/internal/logfile"
	"weir/parser"
	"weir/stream"
	"weir/stream/modules/accesslog"
)

// logMain holds the formats of stream {}.
type logMain struct{ logFormats[accesslog.Format] }

// logConf holds the logs of one level.
type logConf struct {
	logs  []accessLog
	off   bool
	cache conf.Opt[*accesslog.Cache] // nil opens the file for each line
}

// An accessLog is one access_log. Either to is set, or path.
type accessLog struct {
	format *accesslog.Format
	cond   *stream.Template
	to     accesslog.Target
	path   stream.Template // has variables; the target needs the cache of the server that writes
	file   *logfile.File   // the file that to writes to; nil if to is not a file
}

// logModule is ngx_stream_log_module.
//
// See https://nginx.org/en/docs/stream/ngx_stream_log_module.html.
var logModule = &streamModule[logMain, logConf]{
	Name: "ngx_stream_log_module",
	Main: []conf.Entry[logMain]{
		{Name: "log_format", In: conf.Stream, Args: conf.AtLeast(2), Repeat: true, Set: (*logMain).logFormat},
	},
	Server: []conf.Entry[logConf]{
		{Name: "access_log", In: conf.Stream | conf.Server, Args: conf.AtLeast(1), Default: "off", Repeat: true, Set: (*logConf).accessLog},
		{Name: "open_log_file_cache", In: conf.Stream | conf.Server, Args: conf.Take(1, 2, 3, 4), Default: "off",
			Set: (*logConf).openLogFileCache},
	},
	Merge: (*logConf).merge,
	Build: (*logConf).build,
}

// logFormat follows ngx_stream_log_set_format.
func (c *logMain) logFormat(call *conf.Call) {
	vars := configOf(call.Level).Vars
	c.read(call, func(texts []string, escape logescape.Escape) (*accesslog.Format, error) {
		return accesslog.ParseFormat(texts, escape, vars)
	})
}

// logFormats are the formats of a block, in order. F is a compiled format.
type logFormats[F any] struct {
	formats []logFormat[F]
}

// A logFormat is one log_format.
type logFormat[F any] struct {
	name   string
	format *F
}

// read adds a log_format.
func (c *logFormats[F]) read(call *conf.Call, parse func([]string, logescape.Escape) (*F, error)) {
	name := call.Arg(0)
	for _, f := range c.formats {
		if f.name == name {
			call.Fail(&call.Args()[0], "duplicate \"log_format\" name \"%s\"", name)
			return
		}
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
	format, err := parse(wordTexts(texts), escape)
	if err != nil {
		call.Fail(&call.Args()[1], "%v", err)
		return
	}
	c.formats = append(c.formats, logFormat[F]{name, format})
}

// find returns the log_format that word names, or nil after reporting that it does not exist. Names are
// compared without case.
func (c *logFormats[F]) find(call *conf.Call, name string, word *parser.Word) *F {
	for _, f := range c.formats {
		if ascii.EqualFold(f.name, name) {
			return f.format
		}
	}
	call.Fail(word, "unknown log format \"%s\"", name)
	return nil
}

func wordTexts(words []parser.Word) []string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = w.Text
	}
	return texts
}

// accessLog follows ngx_stream_log_set_log: first the target, then the format, then the other parameters.
func (c *logConf) accessLog(call *conf.Call) {
	if readsLogOff(call) {
		c.off = true
		return
	}
	l, ok := parseAccessTarget(call)
	if !ok {
		return
	}
	if l.format = findFormat(call); l.format == nil {
		return
	}
	if l.setParameters(call) {
		c.logs = append(c.logs, l)
	}
}

// parseAccessTarget reads the destination of a log.
func parseAccessTarget(call *conf.Call) (l accessLog, ok bool) {
	t, ok := readLogTarget(call)
	switch l.file = t.file; {
	case !ok:
	case t.syslog != nil:
		l.to = accesslog.Syslog(t.syslog, t.severity)
	case t.path != nil:
		l.path, ok = parseTemplate(call, t.path)
	default:
		l.to = accesslog.File(t.file)
	}
	return l, ok
}

// readsLogOff reports whether an access_log is "off", which has no other parameters.
func readsLogOff(call *conf.Call) bool {
	if call.Arg(0) != "off" {
		return false
	}
	if len(call.Args()) > 1 {
		call.Fail(&call.Args()[1], "invalid parameter \"%s\"", call.Arg(1))
	}
	return true
}

// A logTarget is the destination of an access_log. One of syslog, path and file is set.
type logTarget struct {
	syslog   *errorlog.Syslog
	severity errorlog.Level
	path     *parser.Word // with variables
	file     *logfile.File
}

// readLogTarget reads the destination of an access_log.
func readLogTarget(call *conf.Call) (t logTarget, ok bool) {
	word := call.Args()[0]
	c := call.Compiler()
	switch {
	case strings.HasPrefix(word.Text, syslogPrefix):
		t.syslog, t.severity, ok = parseSyslog(call, &word)
		return t, ok
	case strings.Contains(word.Text, "$"):
		word.Text = c.Env.Path(word.Text)
		return logTarget{path: &word}, true
	}
	name := "/dev/stderr" // as in ngx_conf_open_file
	if word.Text != "" {
		name = c.Env.Path(word.Text)
	}
	return logTarget{file: configOf(c.Main).Files.Get(name)}, true
}

// findFormat returns the log_format that the call names, or nil after reporting that there is none.
func findFormat(call *conf.Call) *accesslog.Format {
	if len(call.Args()) < 2 {
		call.Fail(&call.Args()[0], "log format is not specified")
		return nil
	}
	return conf.At[logMain](call.Level).find(call, call.Arg(1), &call.Args()[1])
}

// defaultBuffer is the size of the buffer that gzip needs.
const defaultBuffer = 64 << 10

// setParameters reads the parameters after the format.
func (l *accessLog) setParameters(call *conf.Call) bool {
	return readLogParameters(call, l.file, l.to == nil, func(word *parser.Word) bool {
		cond, ok := parseTemplate(call, word)
		l.cond = &cond
		return ok
	})
}

// readLogParameters reads the parameters after the format, and sets the buffers of file, which is nil if the
// log is not a file. setCondition takes the value of if=.
func readLogParameters(call *conf.Call, file *logfile.File, hasVariables bool, setCondition func(*parser.Word) bool) bool {
	var b logfile.Buffering
	for i := range call.Args() {
		word := &call.Args()[i]
		if i < 2 {
			continue
		}
		value, isCondition := strings.CutPrefix(word.Text, "if=")
		text := *word
		text.Text = value
		if isCondition && !setCondition(&text) || !isCondition && !setLogParameter(call, word, &b) {
			return false
		}
	}
	return setBuffering(call, file, hasVariables, b)
}

func setLogParameter(call *conf.Call, word *parser.Word, b *logfile.Buffering) bool {
	name, value, assigned := strings.Cut(word.Text, "=")
	switch {
	case name == "gzip":
		return setGzip(call, word, b)
	case name == "buffer" && assigned:
		size, ok := conf.ParseSize(value)
		if !ok || size == 0 {
			call.Fail(word, "invalid buffer size \"%s\"", value)
			return false
		}
		b.Size = conf.Int(size)
	case name == "flush" && assigned:
		d, ok := conf.ParseMsec(value)
		if !ok || d == 0 {
			call.Fail(word, "invalid flush time \"%s\"", value)
			return false
		}
		b.Flush = d
	default:
		call.Fail(word, "invalid parameter \"%s\"", word.Text)
		return false
	}
	return true
}

// setGzip reads "gzip" or "gzip=LEVEL".
func setGzip(call *conf.Call, word *parser.Word, b *logfile.Buffering) bool {
	if b.Size == 0 {
		b.Size = defaultBuffer
	}
	b.Gzip = 1
	if word.Text == "gzip" {
		return true
	}
	value := strings.TrimPrefix(word.Text, "gzip=")
	level, ok := conf.ParseNumber(value)
	if !ok || level < 1 || level > 9 {
		call.Fail(word, "invalid compression level \"%s\"", value)
		return false
	}
	b.Gzip = int(level)
	return true
}

func setBuffering(call *conf.Call, file *logfile.File, hasVariables bool, b logfile.Buffering) bool {
	word := &call.Args()[0]
	switch {
	case b.Size == 0 && b.Flush == 0:
		return true
	case b.Size == 0:
		call.Fail(word, "no buffer is defined for access_log \"%s\"", word.Text)
	case hasVariables:
		call.Fail(word, "buffered logs cannot have variables in name")
	case file == nil:
		call.Fail(word, "logs to syslog cannot be buffered")
	case !file.Buffer(b):
		call.Fail(word, "access_log \"%s\" already defined with conflicting parameters", word.Text)
	default:
		return true
	}
	return false
}

// openLogFileCache follows ngx_stream_log_open_file_cache.
func (c *logConf) openLogFileCache(call *conf.Call) {
	settings := accesslog.CacheConf{Inactive: 10 * time.Second, MinUses: 1, Valid: 60 * time.Second}
	off := false
	words := call.Args()
	for i := range words {
		if words[i].Text == "off" {
			off = true
		} else if !setCacheParameter(&settings, words[i].Text) {
			call.Fail(&words[i], "invalid \"open_log_file_cache\" parameter \"%s\"", words[i].Text)
			return
		}
	}
	if off {
		c.cache.Set(nil)
		return
	}
	if settings.Max == 0 {
		call.Fail(&words[0], "\"open_log_file_cache\" must have \"max\" parameter")
		return
	}
	cache := accesslog.NewCache(settings)
	c.cache.Set(cache)
	config := configOf(call.Level)
	addPart(config, &cachePart{cache, fmt.Sprintf("open_log_file_cache %d", len(config.Parts))})
}

func setCacheParameter(cache *accesslog.CacheConf, text string) bool {
	name, value, ok := strings.Cut(text, "=")
	if !ok {
		return false
	}
	switch name {
	case "max":
		cache.Max, ok = cacheNumber(value)
	case "min_uses":
		cache.MinUses, ok = cacheNumber(value)
	case "inactive":
		cache.Inactive, ok = conf.ParseSec(value)
	case "valid":
		cache.Valid, ok = conf.ParseSec(value)
	default:
		return false
	}
	return ok
}

func cacheNumber(text string) (int, bool) {
	n, ok := conf.ParseNumber(text)
	return conf.Int(n), ok
}

// merge follows ngx_stream_log_merge_srv_conf: a server's own list, or "off", replaces the whole
// outer list.
func (c *logConf) merge(child *logConf) {
	child.cache.Inherit(c.cache)
	if child.logs == nil && !child.off {
		child.logs, child.off = c.logs, c.off
	}
}

func (c *logConf) build(s *serverBuild) {
	if c.off {
		return
	}
	for _, l := range c.logs {
		to := l.to
		if to == nil {
			to = accesslog.Path(l.path, c.cache.Or(nil), s.config.Files)
		}
		s.server.Loggers = append(s.server.Loggers, &accesslog.Logger{Format: l.format, If: l.cond, To: to})
	}
}

// A cachePart opens and closes a cache of files with its configuration.
type cachePart struct {
	*accesslog.Cache
	key string
}

// Key implements stream.Part; nothing passes to the next configuration.
func (p *cachePart) Key() string { return p.key }

// Open does nothing.
func (p *cachePart) Open(context.Context, *stream.Env, stream.Part) error { return nil }

// Close closes the files.
func (p *cachePart) Close() error {
	p.Cache.Close()
	return nil
}
