package conformance

import (
	"fmt"
	"regexp"
	"strings"

	"weir/conformance/nginx"
)

// Nginx returns the subject for a real nginx, or for a program derived from it that reports its
// version. njs is the script that replaces mqtt_preread where the program lacks that module. An
// nginx without a stream module is an error.
func Nginx(bin, njs string) (*Subject, error) {
	b, err := nginx.About(bin)
	if err != nil {
		return nil, err
	}
	sub := &Subject{Name: b.Name(), Bin: bin, Build: b, modules: b.Load(nginx.Stream), rewrite: openSource(njs)}
	if b.Has(nginx.MQTTPreread) {
		sub.rewrite = unchanged
		return sub, nil
	}
	sub.modules += " " + b.Load(nginx.JS)
	return sub, nil
}

var (
	streamBlock = regexp.MustCompile(`(?m)^stream\s*\{`)
	mqttOn      = regexp.MustCompile(`\bmqtt_preread\s+on;`)
	mqttOff     = regexp.MustCompile(`\bmqtt_preread\s+off;`)
	statusZone  = regexp.MustCompile(`\bstatus_zone\s+\S+;`)
)

// openSource returns a function that converts a configuration for NGINX Plus to one for open nginx
// with njs, line by line: mqtt_preread becomes js_preread, and status_zone is removed.
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
