package conformance

import (
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// Nginx returns the subject for a real nginx, or for a program made from it that reports its version. njs is the script that takes the
// place of mqtt_preread where the program does not have that module. An nginx without a stream module is an error.
func Nginx(bin, njs string) (*Subject, error) {
	out, err := exec.Command(bin, "-V").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s -V: %w", bin, err)
	}
	info := string(out)
	v, err := nginxVersion(info)
	if err != nil {
		return nil, err
	}
	p := partsOf(info)
	if !p.has(streamModule) {
		return nil, fmt.Errorf("%s has no %s", bin, streamModule)
	}
	sub := &Subject{Name: productName(info), Bin: bin, Version: v, parts: p, modules: p.load(streamModule), rewrite: openSource(njs)}
	if p.has(mqttModule) {
		sub.rewrite = asItStands
	} else if p.has(jsModule) {
		sub.modules += " " + p.load(jsModule)
	}
	return sub, nil
}

var (
	versionLine = regexp.MustCompile(`nginx version: nginx/(\d+\.\d+\.\d+)`)
	productLine = regexp.MustCompile(`(?m)^(\w+) version: \w+/(\S+)`)
)

func nginxVersion(info string) (Version, error) {
	m := versionLine.FindStringSubmatch(info)
	if m == nil {
		return Version{}, fmt.Errorf("no nginx version in %q", info)
	}
	return ParseVersion(m[1])
}

// productName returns the product and its version from the first line of -V that has both.
func productName(info string) string {
	m := productLine.FindStringSubmatch(info)
	if m == nil {
		return "nginx"
	}
	return m[1] + " " + m[2]
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
