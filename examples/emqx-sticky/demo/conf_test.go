package main

import (
	"os"
	"reflect"
	"testing"
)

func TestParseLayout(t *testing.T) {
	for _, tc := range []struct {
		name, conf string
		want       layout
		wantErr    bool
	}{
		{
			name: "weights and other parameters",
			conf: "upstream u {\n server 127.0.0.1:1;\n server 127.0.0.1:2 weight=3 max_fails=2;\n server 127.0.0.1:4 max_fails=2;\n}\nserver {\n listen 1880;\n}\n",
			want: layout{listen: "127.0.0.1:1880", peers: []peer{{"127.0.0.1:1", 1}, {"127.0.0.1:2", 3}, {"127.0.0.1:4", 1}}},
		},
		{name: "no port to connect to", conf: " server 127.0.0.1:1;\n server 127.0.0.1:2;\n", wantErr: true},
		{name: "one broker cannot show anything", conf: " listen 1880;\n server 127.0.0.1:1;\n", wantErr: true},
		{name: "comments are not directives", conf: " listen 1880;\n server 127.0.0.1:1;\n # server 127.0.0.1:2;\n", wantErr: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := parseLayout(tc.conf)
			if (err != nil) != tc.wantErr {
				t.Fatalf("parseLayout(%q): error %v, want an error: %v", tc.conf, err, tc.wantErr)
			}
			if err == nil && !reflect.DeepEqual(got, tc.want) {
				t.Errorf("parseLayout(%q) = %v, want %v", tc.conf, got, tc.want)
			}
		})
	}
}

func TestLayoutOfTheExample(t *testing.T) {
	text, err := os.ReadFile("../nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	got, err := parseLayout(string(text))
	if err != nil {
		t.Fatal(err)
	}
	want := layout{listen: "127.0.0.1:1880", peers: []peer{{"127.0.0.1:1891", 1}, {"127.0.0.1:1892", 2}, {"127.0.0.1:1893", 1}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("layout of the example is %v, want %v", got, want)
	}
}
