package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	versionLine = regexp.MustCompile(`nginx version: nginx/(\S+)`)
	modulesPath = regexp.MustCompile(`--modules-path=(\S+)`)
)

// further are the modules beside ngx_stream_module that Debian has as files, each with what shows that a configuration needs it.
var further = []struct{ file, sign string }{
	{"ngx_stream_geoip_module.so", "geoip_"},
	{"ngx_stream_js_module.so", "js_"},
}

// modules are the files of nginx's modules, where they are not linked into it. The zero value is for an nginx that has all in it.
type modules struct{ dir string }

// aboutNginx returns the version of nginx, and where its modules are.
func aboutNginx(bin string) (version string, m modules, err error) {
	out, err := exec.Command(bin, "-V").CombinedOutput()
	if err != nil {
		return "", m, fmt.Errorf("%s -V: %w (install nginx and libnginx-mod-stream)", bin, err)
	}
	found := versionLine.FindSubmatch(out)
	if found == nil {
		return "", m, fmt.Errorf("%s -V names no version: %s", bin, out)
	}
	dir := modulesPath.FindSubmatch(out)
	if dir == nil || !strings.Contains(string(out), "--with-stream=dynamic") {
		return string(found[1]), m, nil
	}
	m.dir = string(dir[1])
	if m.path("ngx_stream_module.so") == "" {
		err = fmt.Errorf("nginx has no stream module in %s: install libnginx-mod-stream", m.dir)
	}
	return string(found[1]), m, err
}

// path is where the module's file is; empty if it is not there.
func (m modules) path(file string) string {
	path := filepath.Join(m.dir, file)
	if _, err := os.Stat(path); m.dir == "" || err != nil {
		return ""
	}
	return path
}

// load are the directives that load what the configuration needs: a process with fewer modules starts sooner.
func (m modules) load(conf string) (directives string) {
	files := []string{m.path("ngx_stream_module.so")}
	for _, one := range further {
		if strings.Contains(conf, one.sign) {
			files = append(files, m.path(one.file))
		}
	}
	for _, file := range files {
		if file != "" {
			directives += "load_module " + file + "; "
		}
	}
	return directives
}
