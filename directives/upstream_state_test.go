package directives

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"weir/stream/upstream"
)

// childDir names the directory in which a child process edits a group until it is killed.
const childDir = "WEIR_TEST_STATE_DIR"

// childServers is the number of servers that the child adds, and removes again.
const childServers = 20

// TestKilledEdits kills processes that edit a group, and checks that each leaves a state file that can be
// read, with the servers after one of its last edits.
func TestKilledEdits(t *testing.T) {
	if dir := os.Getenv(childDir); dir != "" {
		editForever(t, dir)
	}
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	dir := t.TempDir()
	for i := range rounds {
		said := killDuringEdits(t, dir, 1+7*i)
		if got := len(loadState(t, dir).Servers()); got < said-1 || got > said+1 {
			t.Fatalf("round %d: the state file has %d servers, the process had reported %d", i, got, said)
		}
		left, err := filepath.Glob(filepath.Join(dir, ".*.tmp"))
		if err != nil || len(left) > 1 {
			t.Fatalf("round %d: files that killed processes have left: %q, %v", i, left, err)
		}
	}
}

// killDuringEdits starts a child and kills it after n edits. It returns the number of servers that the
// child reported last.
func killDuringEdits(t *testing.T, dir string, n int) (servers int) {
	t.Helper()
	child := exec.Command(os.Args[0], "-test.run=^TestKilledEdits$")
	child.Env = append(os.Environ(), childDir+"="+dir)
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range n {
		if !lines.Scan() {
			t.Fatal("the child ended")
		}
	}
	child.Process.Kill()
	last := lines.Text()
	for lines.Scan() { // edits before it was killed
		last = lines.Text()
	}
	child.Wait()
	if _, err := fmt.Sscanf(last, "%d", &servers); err != nil {
		t.Fatalf("the child wrote %q", last)
	}
	return servers
}

// editForever adds servers until there are childServers, removes them again, and so on. After each edit it
// writes the number of servers to the standard output.
func editForever(t *testing.T, dir string) {
	t.Helper()
	g := loadState(t, dir)
	for {
		for _, s := range g.Servers() {
			if _, err := g.Remove(s.ID); err != nil {
				t.Fatal(err)
			}
			fmt.Println(len(g.Servers()))
		}
		for n := range childServers {
			c, err := ParseServer(upstream.Values{Server: new(fmt.Sprintf("10.0.0.%d:1883", n))})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := g.Add(c); err != nil {
				t.Fatal(err)
			}
			fmt.Println(len(g.Servers()))
		}
	}
}
