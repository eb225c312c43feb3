package conformance

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/tools/txtar"
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
	weir, nginx := Weir("w"), &Subject{Name: "nginx 1.22.1", Version: Version{1, 22, 1}}
	for name, row := range map[string]struct {
		script      *Script
		weir, nginx string
	}{
		"both":   {&Script{}, "", ""},
		"old":    {&Script{Since: Version{1, 22, 1}}, "", ""},
		"newer":  {&Script{Since: Version{1, 25, 5}}, "", "since 1.25.5"},
		"weir":   {&Script{OnlyWeir: "ours"}, "", "ours"},
		"except": {&Script{Except: map[string]string{"nginx": "not so", "Angie": "no"}}, "", "not so"},
		"other":  {&Script{Except: map[string]string{"Angie": "no"}}, "", ""},
		"module": {&Script{Module: "ngx_stream_geoip_module"}, "", "without ngx_stream_geoip_module"},
		"debug":  {&Script{NeedsDebug: true}, "", "without --with-debug"},
		"mqtt":   {&Script{Files: files("a.conf", "mqtt_preread on;")}, "", "without ngx_stream_js_module"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := weir.NotFor(row.script); got != row.weir {
				t.Errorf("weir: got %q, want %q", got, row.weir)
			}
			if got := nginx.NotFor(row.script); got != row.nginx {
				t.Errorf("nginx: got %q, want %q", got, row.nginx)
			}
		})
	}
}

func files(name, text string) []txtar.File { return []txtar.File{{Name: name, Data: []byte(text)}} }

func TestCommandsFollowTheVersion(t *testing.T) {
	weir := Weir("w")
	older, newer := &Subject{Name: "nginx", Version: Version{1, 22, 1}}, &Subject{Name: "nginx", Version: Version{1, 25, 5}}
	for name, row := range map[string]struct {
		command            Command
		weir, older, newer bool
	}{
		"always": {Command{}, true, true, true},
		"since":  {Command{Since: Version{1, 25, 5}}, true, false, true},
		"before": {Command{Before: Version{1, 25, 5}}, false, true, false},
	} {
		if got := [3]bool{weir.runs(row.command), older.runs(row.command), newer.runs(row.command)}; got != [3]bool{row.weir, row.older, row.newer} {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

const angieInfo = `Angie version: Angie/1.13.0
nginx version: nginx/1.31.2
built by gcc
configure arguments: --prefix=/p --with-stream --with-stream_geoip_module --with-stream_mqtt_preread_module --with-mail=dynamic
`

func TestPartsOfStaticProgram(t *testing.T) {
	p := partsOf(angieInfo)
	for module, want := range map[string]bool{streamModule: true, mqttModule: true, "ngx_stream_geoip_module": true, jsModule: false} {
		if got := p.has(module); got != want {
			t.Errorf("%s: got %v, want %v", module, got, want)
		}
	}
	if p.canLoad() || p.load(streamModule) != "" {
		t.Error("a program without a directory of modules loads some")
	}
	if got, want := productName(angieInfo), "Angie 1.13.0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, err := nginxVersion(angieInfo); err != nil || got != (Version{1, 31, 2}) {
		t.Errorf("got version %v, %v", got, err)
	}
}

func TestPartsOfModules(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{streamModule, jsModule} {
		if err := os.WriteFile(filepath.Join(dir, name+".so"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := partsOf("nginx version: nginx/1.22.1\nconfigure arguments: --modules-path=" + dir + " --with-stream=dynamic --with-stream_realip_module\n")
	for module, want := range map[string]bool{streamModule: true, jsModule: true, "ngx_stream_geoip_module": false, "ngx_stream_realip_module": true} {
		if got := p.has(module); got != want {
			t.Errorf("%s: got %v, want %v", module, got, want)
		}
	}
	if got, want := p.load(streamModule), "load_module "+filepath.Join(dir, "ngx_stream_module.so")+";"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
