package directives

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"weir/directives/conf"
	"weir/internal/errorlog"
	"weir/parser"
	"weir/stream"
)

// syslogPrefix is the prefix that makes a log a syslog server.
const syslogPrefix = "syslog:"

// syslogFacilities lists the facilities in the order of their numbers.
var syslogFacilities = []string{
	"kern", "user", "mail", "daemon", "auth", "intern", "lpr", "news", "uucp", "clock", "authpriv", "ftp", "ntp", "audit", "alert",
	"cron", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
}

// nginx's default values, and the longest tag that RFC 3164 allows.
const (
	syslogPort     = 514
	syslogFacility = "local7"
	syslogTag      = "nginx"
	maxSyslogTag   = 32
)

// A syslogParser reads the parameters after "syslog:". It follows ngx_syslog_parse_args.
type syslogParser struct {
	call     *conf.Call
	word     *parser.Word
	conf     errorlog.SyslogConf
	severity errorlog.Level
	noHost   bool
	seen     map[string]bool
}

// parseSyslog makes the syslog server that word describes, and returns it with the severity of
// access logs. Messages about the server go to the process's log; its socket is closed with the
// configuration.
//
// See https://nginx.org/en/docs/syslog.html.
func parseSyslog(call *conf.Call, word *parser.Word) (*errorlog.Syslog, errorlog.Level, bool) {
	p := &syslogParser{
		call: call, word: word, severity: errorlog.Info, seen: map[string]bool{},
		conf: errorlog.SyslogConf{Tag: syslogTag, Facility: slices.Index(syslogFacilities, syslogFacility)},
	}
	for param := range strings.SplitSeq(word.Text[len(syslogPrefix):], ",") {
		if !p.parameter(param) {
			return nil, 0, false
		}
	}
	if !p.seen["server"] {
		return nil, 0, p.fail("no syslog server specified")
	}
	c := call.Compiler()
	if !p.noHost {
		p.conf.Hostname = strings.ToLower(c.Env.Hostname())
	}
	s := errorlog.NewSyslog(p.conf, c.Env.Now)
	config := configOf(c.Main)
	addPart(config, &syslogPart{s, fmt.Sprintf("syslog %d %s", len(config.Parts), p.conf.Name)})
	return s, p.severity, true
}

func (p *syslogParser) fail(format string, args ...any) bool {
	p.call.Fail(p.word, format, args...)
	return false
}

// parameter reads one parameter, and reports whether it is valid.
func (p *syslogParser) parameter(text string) bool {
	if text == "nohostname" {
		p.noHost = true
		return true
	}
	name, value, ok := strings.Cut(text, "=")
	set := map[string]func(string) bool{
		"server": p.server, "facility": p.facility, "severity": p.setSeverity, "tag": p.tag,
	}[name]
	if !ok || set == nil {
		return p.fail("unknown syslog parameter \"%s\"", text)
	}
	if p.seen[name] {
		return p.fail("duplicate syslog \"%s\"", name)
	}
	p.seen[name] = true
	return set(value)
}

func (p *syslogParser) server(text string) bool {
	a, err := conf.ParseUpstream(text)
	if err != nil {
		return p.fail("%v in syslog server \"%s\"", err, text)
	}
	if a.NoPort {
		a.Port, a.PortEnd, a.NoPort = syslogPort, syslogPort, false
	}
	addrs, err := a.Resolve(p.call.Compiler().Env.LookupHost)
	if err != nil {
		return p.fail("%v in syslog server \"%s\"", err, text)
	}
	p.conf.Network, p.conf.Address, p.conf.Name = "udp", addrs[0].String(), addrs[0].String()
	if addrs[0].Unix {
		p.conf.Network, p.conf.Address = "unixgram", addrs[0].Path
	}
	return true
}

func (p *syslogParser) facility(text string) bool {
	p.conf.Facility = slices.Index(syslogFacilities, text)
	if p.conf.Facility < 0 {
		return p.fail("unknown syslog facility \"%s\"", text)
	}
	return true
}

func (p *syslogParser) setSeverity(text string) bool {
	level, ok := errorlog.ParseLevel(text)
	if !ok {
		return p.fail("unknown syslog severity \"%s\"", text)
	}
	p.severity = level
	return true
}

func (p *syslogParser) tag(text string) bool {
	if len(text) > maxSyslogTag {
		return p.fail("syslog tag length exceeds %d", maxSyslogTag)
	}
	for _, c := range []byte(text) {
		if !isTagByte(c) {
			return p.fail("syslog \"tag\" only allows alphanumeric characters and underscore")
		}
	}
	p.conf.Tag = text
	return true
}

func isTagByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
}

// A syslogPart opens and closes a syslog server with its configuration.
type syslogPart struct {
	*errorlog.Syslog
	key string
}

// Key implements stream.Part; nothing passes to the next configuration.
func (p *syslogPart) Key() string { return p.key }

// Open sets the process's log, to which failures are reported.
func (p *syslogPart) Open(_ context.Context, env *stream.Env, _ stream.Part) error {
	p.ReportTo(env.Log)
	return nil
}

// Close closes the socket.
func (p *syslogPart) Close() error {
	p.Syslog.Close()
	return nil
}
