package conformance

import "testing"

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
	weir, nginx := Weir("w"), &Subject{Name: "nginx", Version: Version{1, 22, 1}}
	for name, row := range map[string]struct {
		script      *Script
		weir, nginx string
	}{
		"both":  {&Script{}, "", ""},
		"old":   {&Script{Since: Version{1, 22, 1}}, "", ""},
		"newer": {&Script{Since: Version{1, 25, 5}}, "", "since 1.25.5, this is 1.22.1"},
		"weir":  {&Script{OnlyWeir: "ours"}, "", "ours"},
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
