package main

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestStartAfterKill starts again after kill -9, with the socket files that the process has left: of the configuration, of -l and of the
// channel for commands.
func TestStartAfterKill(t *testing.T) {
	run := func(s *site, head string) func(*testing.T) {
		return func(t *testing.T) {
			s.t = t
			s.configure(head, "unix:"+s.path("s.sock"))
			control := []string{"-l", "unix:" + s.path("control.sock")}
			p := s.front(control...)
			s.dial(s.addr).Close()
			for _, pid := range []int{p.pid, p.anyChild()} {
				if pid != 0 {
					syscall.Kill(pid, syscall.SIGKILL)
				}
			}
			p.cmd.Wait()
			for _, name := range []string{"s.sock", "control.sock", "n.pid.sock"} {
				if info, err := os.Lstat(s.path(name)); err != nil || info.Mode().Type() != os.ModeSocket {
					t.Fatalf("%s was not left: %v, %v", name, info, err)
				}
			}
			os.Remove(s.path("n.pid")) // that of the next process is awaited
			s.front(control...)
			c, err := net.Dial("unix", s.path("s.sock"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			s.ping(c)
			if got := command(t, s.dir, binary, s.args("-s", "reload", "--wait")...); got.code != 0 {
				t.Errorf("the channel: %v", got)
			}
			if status, _ := controlOf(s).ask("PATCH", "/1/control/config"); status != 200 {
				t.Errorf("the control API: got status %d", status)
			}
		}
	}
	t.Run("one process", run(newSite(t), ""))
	t.Run("with a parent", func(t *testing.T) {
		s, _ := withUser(t, "")
		run(s, strings.SplitN(readText(t, s.path("nginx.conf")), "\n", 2)[0])(t)
	})
}

// anyChild returns a child of the process; 0 if there is none.
func (p *served) anyChild() int {
	for _, task := range threads(p.t, p.pid) {
		text, _ := os.ReadFile(filepath.Join(task, "children"))
		if fields := strings.Fields(string(text)); len(fields) > 0 {
			pid, _ := strconv.Atoi(fields[0])
			return pid
		}
	}
	return 0
}
