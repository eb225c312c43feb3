package conformance

import (
	"testing"

	"golang.org/x/tools/txtar"

	"weir/conformance/nginx"
)

func TestOpenSourceKeepsLines(t *testing.T) {
	got := openSource("/m.js")(`stream {
    mqtt_preread on;
    server {
        status_zone a;
        mqtt_preread off;
    }
}
`)
	want := `stream { js_import mqtt from /m.js; js_set $mqtt_preread_clientid mqtt.clientid; js_set $mqtt_preread_username mqtt.username;
    js_preread mqtt.preread;
    server {
        
        js_preread mqtt.skip;
    }
}
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	plain := "stream {\n}\n"
	if got := openSource("/m.js")(plain); got != plain {
		t.Errorf("got\n%s\nwant it as it was", got)
	}
}

func TestNotFor(t *testing.T) {
	weir, real := Weir("w"), &Subject{Name: "nginx 1.22.1", except: Differences{"a/b": "not so"}, Build: &nginx.Build{Product: "nginx", Version: nginx.Version{1, 22, 1}}}
	for name, row := range map[string]struct {
		script      *Script
		weir, nginx string
	}{
		"both":   {&Script{}, "", ""},
		"old":    {&Script{Since: nginx.Version{1, 22, 1}}, "", ""},
		"newer":  {&Script{Since: nginx.Version{1, 25, 5}}, "", "since 1.25.5"},
		"weir":   {&Script{OnlyWeir: "ours"}, "", "ours"},
		"except": {&Script{Name: "a/b"}, "", "not so"},
		"module": {&Script{Module: "ngx_stream_geoip_module"}, "", "without ngx_stream_geoip_module"},
		"debug":  {&Script{NeedsDebug: true}, "", "without --with-debug"},
		"mqtt":   {&Script{Files: files("a.conf", "mqtt_preread on;")}, "", "without ngx_stream_js_module"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := weir.NotFor(row.script); got != row.weir {
				t.Errorf("weir: got %q, want %q", got, row.weir)
			}
			if got := real.NotFor(row.script); got != row.nginx {
				t.Errorf("nginx: got %q, want %q", got, row.nginx)
			}
		})
	}
}

func files(name, text string) []txtar.File { return []txtar.File{{Name: name, Data: []byte(text)}} }

func TestVersionLabelsSelectCommands(t *testing.T) {
	weir := Weir("w")
	older := &Subject{Build: &nginx.Build{Version: nginx.Version{1, 22, 1}}}
	newer := &Subject{Build: &nginx.Build{Version: nginx.Version{1, 25, 5}}}
	for name, row := range map[string]struct {
		command            Command
		weir, older, newer bool
	}{
		"always": {Command{}, true, true, true},
		"since":  {Command{Since: nginx.Version{1, 25, 5}}, true, false, true},
		"before": {Command{Before: nginx.Version{1, 25, 5}}, false, true, false},
	} {
		if got := [3]bool{weir.runs(row.command), older.runs(row.command), newer.runs(row.command)}; got != [3]bool{row.weir, row.older, row.newer} {
			t.Errorf("%s: got %v", name, got)
		}
	}
}
