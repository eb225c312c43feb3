package conformance

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Modules by the names of their files.
const (
	streamModule = "ngx_stream_module"
	jsModule     = "ngx_stream_js_module"
	mqttModule   = "ngx_stream_mqtt_preread_module"
)

// parts are the modules that an nginx consists of, and those that it can load.
type parts struct {
	options []string // of configure, as -V prints them
	dir     string   // the directory of modules that can be loaded; empty: the program loads none
}

var modulesPath = regexp.MustCompile(`^--modules-path=(\S+)$`)

// partsOf reads what -V prints.
func partsOf(info string) parts {
	p := parts{options: strings.Fields(info)}
	for _, option := range p.options {
		if m := modulesPath.FindStringSubmatch(option); m != nil {
			p.dir = m[1]
		}
	}
	return p
}

// linked reports whether the module is in the program itself.
func (p parts) linked(module string) bool {
	name := strings.TrimPrefix(module, "ngx_")
	if module == streamModule {
		name = "stream"
	}
	return slices.Contains(p.options, "--with-"+name)
}

// debugs reports whether the program can log what it does in detail.
func (p parts) debugs() bool { return slices.Contains(p.options, "--with-debug") }

// canLoad reports whether the program has a directory of modules, to which a missing one can be added.
func (p parts) canLoad() bool { return p.dir != "" }

// has reports whether the module is in the program or can be loaded.
func (p parts) has(module string) bool {
	if p.linked(module) {
		return true
	}
	_, err := os.Stat(p.file(module))
	return p.canLoad() && err == nil
}

func (p parts) file(module string) string { return filepath.Join(p.dir, module+".so") }

// load returns the directive that loads the module; an empty string if the module is linked.
func (p parts) load(module string) string {
	if p.linked(module) {
		return ""
	}
	return "load_module " + p.file(module) + ";"
}
