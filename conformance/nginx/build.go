// Package nginx describes builds of nginx and of programs derived from it.
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

// Modules by their file names.
const (
	Stream      = "ngx_stream_module"
	JS          = "ngx_stream_js_module"
	MQTTPreread = "ngx_stream_mqtt_preread_module"
	GeoIP       = "ngx_stream_geoip_module"
)

// A Build is the parsed -V output of a program. It is immutable.
type Build struct {
	Path    string  // of the program
	Product string  // "nginx", "Angie"
	release string  // of the product
	Version Version // of nginx
	options []string
	modules string // the directory of loadable modules; empty if the program loads none
}

// Path returns the path of the nginx to compare with: NGINX_BIN, or the system's.
func Path() string {
	if path := os.Getenv("NGINX_BIN"); path != "" {
		return path
	}
	return "/usr/sbin/nginx"
}

// About runs -V of the program at path. A program without a stream module is an error.
func About(path string) (*Build, error) {
	out, err := exec.Command(path, "-V").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s -V: %w", path, err)
	}
	b, err := parse(string(out))
	if err != nil {
		return nil, fmt.Errorf("%s -V: %w", path, err)
	}
	b.Path = path
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

// parse parses the output of -V.
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

// Name returns the product with its version: "nginx 1.31.5", "Angie 1.13.0".
func (b *Build) Name() string { return b.Product + " " + b.release }

// Debugs reports whether the program supports debug logging.
func (b *Build) Debugs() bool { return slices.Contains(b.options, "--with-debug") }

// Linked reports whether the module is linked into the program.
func (b *Build) Linked(module string) bool {
	name := strings.TrimPrefix(module, "ngx_")
	if module == Stream {
		name = "stream"
	}
	return slices.Contains(b.options, "--with-"+name)
}

// CanLoad reports whether the program has a module directory to which a missing module can be
// added.
func (b *Build) CanLoad() bool { return b.modules != "" }

// Has reports whether the module is linked or can be loaded.
func (b *Build) Has(module string) bool {
	if b.Linked(module) {
		return true
	}
	_, err := os.Stat(b.file(module))
	return b.CanLoad() && err == nil
}

func (b *Build) file(module string) string { return filepath.Join(b.modules, module+".so") }

// Load returns the directive that loads the module; an empty string if it is linked or cannot be
// loaded.
func (b *Build) Load(module string) string {
	if b.Linked(module) || !b.Has(module) {
		return ""
	}
	return "load_module " + b.file(module) + ";"
}
