package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// Nginx returns the subject for a real nginx. njs is the script that takes the place of mqtt_preread, which open nginx lacks.
// A missing module is an error that names it.
func Nginx(bin, njs string) (*Subject, error) {
	info, err := exec.Command(bin, "-V").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s -V: %w", bin, err)
	}
	v, err := nginxVersion(string(info))
	if err != nil {
		return nil, err
	}
	dir := modulesDir(string(info))
	modules, err := loadModules(string(info), dir)
	if err != nil {
		return nil, err
	}
	return &Subject{Name: "nginx", Bin: bin, Version: v, modules: modules, moduleDir: dir, rewrite: openSource(njs)}, nil
}

var (
	versionLine = regexp.MustCompile(`nginx version: nginx/(\d+\.\d+\.\d+)`)
	modulesPath = regexp.MustCompile(`--modules-path=(\S+)`)
)

func nginxVersion(info string) (Version, error) {
	m := versionLine.FindStringSubmatch(info)
	if m == nil {
		return Version{}, fmt.Errorf("no nginx version in %q", info)
	}
	return ParseVersion(m[1])
}

// modulesDir returns the directory in which nginx has its modules; empty if -V does not say.
func modulesDir(info string) string {
	if m := modulesPath.FindStringSubmatch(info); m != nil {
		return m[1]
	}
	return ""
}

// loadModules returns the load_module directives for the modules that are not linked into the binary.
func loadModules(info, dir string) (string, error) {
	names := []string{"ngx_stream_js_module"}
	if strings.Contains(info, "--with-stream=dynamic") {
		names = []string{"ngx_stream_module", "ngx_stream_js_module"}
	}
	var load []string
	for _, name := range names {
		path := filepath.Join(dir, name+".so")
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("nginx has no %s: %w", name, err)
		}
		load = append(load, "load_module "+path+";")
	}
	return strings.Join(load, " "), nil
}

var (
	streamBlock = regexp.MustCompile(`(?m)^stream\s*\{`)
	mqttOn      = regexp.MustCompile(`\bmqtt_preread\s+on;`)
	mqttOff     = regexp.MustCompile(`\bmqtt_preread\s+off;`)
	statusZone  = regexp.MustCompile(`\bstatus_zone\s+\S+;`)
)

// openSource returns a function that turns a configuration for NGINX Plus into one for open nginx with njs, line by line:
// mqtt_preread becomes js_preread, and status_zone goes away.
func openSource(njs string) func(string) string {
	imports := fmt.Sprintf("$0 js_import mqtt from %s;"+
		" js_set $$mqtt_preread_clientid mqtt.clientid; js_set $$mqtt_preread_username mqtt.username;", njs)
	return func(conf string) string {
		conf = statusZone.ReplaceAllString(conf, "")
		if !strings.Contains(conf, "mqtt_preread") {
			return conf
		}
		conf = streamBlock.ReplaceAllString(conf, imports)
		conf = mqttOn.ReplaceAllString(conf, "js_preread mqtt.preread;")
		return mqttOff.ReplaceAllString(conf, "js_preread mqtt.skip;")
	}
}
