package runtime

import (
	"context"
	"io"
	"strings"

	"weir/directives"
	"weir/directives/conf"
	"weir/parser"
)

// The built-in paths are those of Debian's nginx, so that weir without options reads the existing
// configuration.
const (
	DefaultPrefix   = "/usr/share/nginx/"
	DefaultConf     = "/etc/nginx/nginx.conf"
	DefaultErrorLog = "stderr"
	DefaultPidFile  = "/run/nginx.pid"
)

// paths are the locations of the configuration and the prefixes of relative names in it.
type paths struct {
	prefix     string // ends with a slash
	conf       string // full path of the configuration
	confPrefix string // its directory, with the slash
	errorLog   string // "stderr", or a full path
}

// paths follows ngx_process_options: the path of the configuration is relative to the prefix.
func (o Options) paths() paths {
	p := paths{prefix: DefaultPrefix, conf: DefaultConf, errorLog: DefaultErrorLog}
	if o.Prefix != "" {
		p.prefix = o.Prefix
	}
	if !strings.HasSuffix(p.prefix, "/") {
		p.prefix += "/"
	}
	if o.Conf != "" {
		p.conf = join(p.prefix, o.Conf)
	}
	if o.ErrorLog != "" && o.ErrorLog != "stderr" {
		p.errorLog = join(p.prefix, o.ErrorLog)
	}
	p.confPrefix = p.conf[:strings.LastIndexByte(p.conf, '/')+1]
	return p
}

func join(prefix, name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return prefix + name
}

// source returns the source that is read at the start and at every reload.
func (p paths) source(globals string) parser.Source {
	return parser.Source{Path: p.conf, Prefix: p.confPrefix, Globals: globals}
}

// env returns the environment for compiling a configuration in this process. Lookups end with ctx;
// stderr is standard error, and must not block.
func (p paths) env(ctx context.Context, pid int, stderr io.Writer) *conf.Env {
	env := directives.MachineEnv(ctx)
	env.Prefix, env.ConfPrefix, env.ErrorLog, env.PidFile = p.prefix, p.confPrefix, p.errorLog, DefaultPidFile
	env.PID, env.Root, env.Stderr = pid, isRoot(), stderr
	return env
}
