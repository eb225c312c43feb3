package nginx

import (
	"os"
	"path/filepath"
	"testing"
)

func TestVersionOrder(t *testing.T) {
	sorted := []Version{{}, {1, 9, 11}, {1, 22, 1}, {1, 25, 5}, {2, 0, 0}}
	for i, v := range sorted {
		for j, w := range sorted {
			if got := v.Before(w); got != (i < j) {
				t.Errorf("%v before %v: got %v", v, w, got)
			}
		}
	}
}

func mustParse(t *testing.T, info string) *Build {
	t.Helper()
	b, err := parse(info)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const angieInfo = `Angie version: Angie/1.13.0
nginx version: nginx/1.31.2
built by gcc
configure arguments: --prefix=/p --with-stream --with-stream_geoip_module --with-stream_mqtt_preread_module --with-mail=dynamic
`

func TestPartsOfStaticProgram(t *testing.T) {
	b := mustParse(t, angieInfo)
	for module, want := range map[string]bool{Stream: true, MQTTPreread: true, GeoIP: true, JS: false} {
		if got := b.Has(module); got != want {
			t.Errorf("%s: got %v, want %v", module, got, want)
		}
	}
	if b.CanLoad() || b.Load(Stream) != "" {
		t.Error("a program without a directory of modules loads some")
	}
	if got, want := b.Name(), "Angie 1.13.0"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := (Version{1, 31, 2}); b.Version != want {
		t.Errorf("got version %v, want %v", b.Version, want)
	}
}

func TestPartsOfModules(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{Stream, JS} {
		if err := os.WriteFile(filepath.Join(dir, name+".so"), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b := mustParse(t, "nginx version: nginx/1.22.1\nconfigure arguments: --modules-path="+dir+" --with-stream=dynamic --with-stream_realip_module\n")
	for module, want := range map[string]bool{Stream: true, JS: true, GeoIP: false, "ngx_stream_realip_module": true} {
		if got := b.Has(module); got != want {
			t.Errorf("%s: got %v, want %v", module, got, want)
		}
	}
	if got, want := b.Load(Stream), "load_module "+filepath.Join(dir, "ngx_stream_module.so")+";"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
