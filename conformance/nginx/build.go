// Package nginx describes builds of nginx, and of programs that are made from it.
package nginx

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Modules by the names of their files.
const (
	Stream      = "ngx_stream_module"
	JS          = "ngx_stream_js_module"
	MQTTPreread = "ngx_stream_mqtt_preread_module"
	GeoIP       = "ngx_stream_geoip_module"
)

// A Build is what -V prints of a program. It is not changed once it is made.
type Build struct {
	Product string  // "nginx", "Angie"
	release string  // of the product
	Version Version // of nginx
	options []string
	modules string // the directory of modules that can be loaded; empty: the program loads none
}

// About returns what the program at path prints of itself. A program without a stream module is an error.
func About(path string) (*Build, error) {
	out, err := exec.Command(path, "-V").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s -V: %w", path, err)
	}
	b, err := parse(string(out))
	if err != nil {
		return nil, fmt.Errorf("%s -V: %w", path, err)
	}
	if !b.Has(Stream) {
		return nil, fmt.Errorf("%s has no %s", path, Stream)
	}
	return b, nil
}

var (
	versionLine = regexp.MustCompile(`nginx version: nginx/(\d+\.\d+\.\d+)`)
	productLine = regexp.MustCompile(`(?m)^(\w+) version: (\w+)/(\S+)`)
	modulesPath = regexp.MustCompile(`^--modules-path=(\S+)$`)
)

// parse reads what -V prints.
func parse(info string) (*Build, error) {
	product, version := productLine.FindStringSubmatch(info), versionLine.FindStringSubmatch(info)
	if product == nil || version == nil {
		return nil, fmt.Errorf("no nginx version in %q", info)
	}
	v, err := ParseVersion(version[1])
	if err != nil {
		return nil, err
	}
	b := &Build{Product: product[2], release: product[3], Version: v, options: strings.Fields(info)}
	for _, option := range b.options {
		if m := modulesPath.FindStringSubmatch(option); m != nil {
			b.modules = m[1]
		}
	}
	return b, nil
}

// Name is the product with its version: "nginx 1.31.5", "Angie 1.13.0".
func (b *Build) Name() string { return b.Product + " " + b.release }

// Debugs reports whether the program can log what it does in detail.
func (b *Build) Debugs() bool { return slices.Contains(b.options, "--with-debug") }

// Linked reports whether the module is in the program itself.
func (b *Build) Linked(module string) bool {
	name := strings.TrimPrefix(module, "ngx_")
	if module == Stream {
		name = "stream"
	}
	return slices.Contains(b.options, "--with-"+name)
}

// CanLoad reports whether the program has a directory of modules, to which a missing one can be added.
func (b *Build) CanLoad() bool { return b.modules != "" }

// Has reports whether the module is in the program or can be loaded.
func (b *Build) Has(module string) bool {
	if b.Linked(module) {
		return true
	}
	_, err := os.Stat(b.file(module))
	return b.CanLoad() && err == nil
}

func (b *Build) file(module string) string { return filepath.Join(b.modules, module+".so") }

// Load returns the directive that loads the module; an empty string if the program has it or cannot load it.
func (b *Build) Load(module string) string {
	if b.Linked(module) || !b.Has(module) {
		return ""
	}
	return "load_module " + b.file(module) + ";"
}
