package directives

import "testing"

func TestMainTellsWhereTheErrorLogGoes(t *testing.T) {
	tests := []struct {
		name, conf string
		file       string
		stderr     bool
	}{
		{"none", "", "/p/default.log", false},
		{"relative", "error_log logs/e.log info;", "/p/logs/e.log", false},
		{"first of two", "error_log /a; error_log /b;", "/a", false},
		{"stderr", "error_log stderr;", "", true},
		{"no name", `error_log "";`, "", true},
		{"file and stderr", "error_log /a; error_log stderr;", "/a", true},
		{"stderr and file", "error_log stderr; error_log /a;", "/a", true},
		{"syslog alone", "error_log syslog:server=127.0.0.1;", "/p/default.log", false},
		{"of a block", "stream { error_log /s; }", "/p/default.log", false},
		{"behind a block", "stream { } error_log /a;", "/a", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, said := loadLogs("events {} "+tt.conf, "/p")
			if p == nil {
				t.Fatal(said)
			}
			defer closeParts(t, p.Stream.Parts)
			if p.Main.ErrorLogFile != tt.file || p.Main.ErrorLogStderr != tt.stderr {
				t.Errorf("got %q, %v, want %q, %v", p.Main.ErrorLogFile, p.Main.ErrorLogStderr, tt.file, tt.stderr)
			}
		})
	}
}

func TestStandardErrorThatIsALogIsKnown(t *testing.T) {
	tests := []struct {
		conf string
		want bool
	}{
		{"error_log /a;", false},
		{"error_log /a; error_log stderr;", true},
		{"error_log /a; stream { error_log stderr; }", true},
		{"error_log /a; stream { server { listen 1; return a; error_log stderr; } }", true},
	}
	for _, tt := range tests {
		t.Run(tt.conf, func(t *testing.T) {
			p, found := loadLogs("events {} "+tt.conf, "/p")
			if p == nil {
				t.Fatal(found)
			}
			if p.Main.StderrLogged != tt.want {
				t.Errorf("got %v, want %v", p.Main.StderrLogged, tt.want)
			}
		})
	}
}
