package runtime

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"weir/internal/errorlog"
	"weir/internal/testwait"
	"weir/stream"
)

func TestFailedStartIsLoggedInTheConfiguredLog(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	b := newTestMaster(t)
	var stderr bytes.Buffer
	b.console.stderr = &stderr
	p := b.program(stream.Addr{IP: addrOfListener(taken)})
	path := filepath.Join(b.dir, "error.log")
	b.paths.errorLog = path
	p.Main.ErrorLog = errorlog.New(b.env.Now, b.env.PID)
	p.Main.ErrorLog.Add(errorlog.Notice, errorlog.Lines(p.Stream.Files.Get(path)))
	b.setProgram(p)
	if err := b.start(); !errors.Is(err, errStillInUse) {
		t.Fatalf("got %v, want %v", err, errStillInUse)
	}
	if !p.Stream.Files.Wait(testwait.Patience) {
		t.Error("the log was not written")
	}
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(log), "[emerg]"); got != 6 {
		t.Errorf("got %d emerg lines in the log, want 6:\n%s", got, log)
	}
	refusal := "nginx: [emerg] bind() to " + taken.Addr().String() + " failed (98: Address already in use)\n"
	if got, want := stderr.String(), strings.Repeat(refusal, 5)+"nginx: [emerg] still could not bind()\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
