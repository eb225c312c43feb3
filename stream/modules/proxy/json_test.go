package proxy_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"weir/internal/errorlog"
	"weir/stream"
	"weir/stream/offline"
)

// TestFailureInJSON checks that an error log in JSON separates message, reason and context.
func TestFailureInJSON(t *testing.T) {
	var text strings.Builder
	log := errorlog.New(func() time.Time { return time.Date(2026, 11, 2, 20, 29, 3, 0, time.UTC) }, 42)
	log.AddJSON(errorlog.Error, errorlog.Lines(&text))
	log.Add(errorlog.Error, errorlog.Lines(io.Discard))
	s := session(t, content(group(1)))
	s.Server.Settings.ErrorLog = log
	offline.Script(t, s, started+`connect 127.0.0.1:7001 out="abcd" within=1m0s
		failed upstream connect ECONNREFUSED -> finish reset`)
	want := `{"level":"error","timestamp":"2026-11-02T20:29:03.000+00:00","pid":42,"tid":42,"cnum":1,"msg":"connect() failed",` +
		`"action":"connecting to upstream","client":"192.0.2.1","server":"192.0.2.100:1883","upstream":"127.0.0.1:7001",` +
		`"bytes_from_client":0,"bytes_to_client":0,"bytes_from_upstream":0,"bytes_to_upstream":0,` +
		`"errno":111,"errtext":"Connection refused"}` + "\n"
	if got := text.String(); got != want {
		t.Errorf("got %swant %s", got, want)
	}
	checkStatus(t, s, stream.StatusBadGateway)
}
