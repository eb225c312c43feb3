package reliability

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/conformance/authority"
	"weir/conformance/installed"
	"weir/conformance/program"
)

// A watchCase changes files of a weir with -watch.
type watchCase struct {
	name    string
	prepare func(*site)        // makes files before weir starts; may be nil
	program func(*site) string // the program to start; nil for weir
	body    string             // in the stream block
	change  func(s *site)      // changes files
	reloads int                // that the change causes

	check func(t *testing.T, s *site) // after the reloads; may be nil
}

// reloadLimit is the time within which -watch reloads. The machine of the short form may be busy.
var reloadLimit = scale(10*time.Second, 2*time.Second)

// noReloadFor is the time without a reload after which none is expected any more.
const noReloadFor = time.Second

const (
	oneServer     = "server { listen $ADDR; return one; }\n"
	anotherServer = "server { listen $ADDR; return two; }\n"
)

var watchCases = []watchCase{
	{name: "rename over", body: oneServer, reloads: 1,
		change: func(s *site) { s.replace("nginx.conf", s.conf(anotherServer)) }},
	{name: "write in place", body: oneServer, reloads: 1,
		change: func(s *site) { s.write("nginx.conf", s.conf(anotherServer)) }},
	{name: "delete and create again", body: oneServer, reloads: 1,
		change: func(s *site) {
			s.remove("nginx.conf")
			s.write("nginx.conf", s.conf(anotherServer))
		}},
	{name: "volume of a ConfigMap", prepare: (*site).mountVolume, body: oneServer, reloads: 1,
		change: func(s *site) { s.swapVolume("2", s.conf(anotherServer)) }},
	{name: "bind mount", prepare: func(s *site) { s.write("mounted", s.conf(oneServer)) }, program: (*site).inMountNamespace,
		body: oneServer, reloads: 1,
		change: func(s *site) { s.write("mounted", s.conf(anotherServer)) }},
	{name: "mask gains a file", prepare: func(s *site) { s.mkdir("conf.d") }, body: oneServer + "include conf.d/*.conf;", reloads: 1,
		change: func(s *site) { s.write("conf.d/b.conf", "proxy_timeout 1m;") }},
	{name: "mask loses a file", prepare: func(s *site) {
		s.mkdir("conf.d")
		s.write("conf.d/b.conf", "proxy_timeout 1m;")
	}, body: oneServer + "include conf.d/*.conf;", reloads: 1,
		change: func(s *site) { s.remove("conf.d/b.conf") }},
	{name: "certificate and key", prepare: func(s *site) { s.certificate("first") },
		body:    "server { listen $ADDR ssl; ssl_certificate server.crt; ssl_certificate_key server.key; return one; }",
		reloads: 1, change: func(s *site) { s.certificate("second") }},
	{name: "GeoIP database", prepare: func(s *site) { s.database(0) }, body: oneServer + "geoip_country $DIR/country.dat;", reloads: 1,
		change: func(s *site) { s.database(1) }},
	{name: "state of servers", prepare: func(s *site) { s.write("servers.state", "server 127.0.0.1:9;\n") },
		body: oneServer + "upstream brokers { zone brokers 64k; state servers.state; }",
		change: func(s *site) {
			s.request("POST", "/api/9/stream/upstreams/brokers/servers", `{"server": "127.0.0.1:10"}`)
		},
		check: func(t *testing.T, s *site) {
			if text := s.Read(t, "servers.state"); !strings.Contains(text, "127.0.0.1:10") {
				t.Errorf("the state is %q", text)
			}
		}},
	{name: "state of keys", body: oneServer + "keyval_zone zone=seen:32k state=keys.state; keyval $remote_addr $seen zone=seen;",
		change: func(s *site) { s.request("POST", "/api/9/stream/keyvals/seen", `{"a": "1"}`) }},
	{name: "touched file", body: oneServer,
		change: func(s *site) {
			if err := os.Chtimes(s.Path("nginx.conf"), time.Now(), time.Now()); err != nil {
				s.t.Fatal(err)
			}
		}},
	{name: "equal file", body: oneServer, change: func(s *site) { s.replace("nginx.conf", s.conf(oneServer)) }},
	{name: "equal volume", prepare: (*site).mountVolume, body: oneServer, change: func(s *site) { s.swapVolume("2", s.conf(oneServer)) }},
	{name: "slow writer", body: oneServer, reloads: 1, change: func(s *site) { s.writeSlowly(s.conf(anotherServer)) }},
	{name: "file that changes all the time", body: oneServer, reloads: -1,
		change: func(s *site) { s.writeUntilReload() }},
}

// TestWatch changes files in each way that operators and programs do. Each change causes one reload, or
// none if nothing has changed.
func TestWatch(t *testing.T) {
	for _, c := range watchCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.run(t)
		})
	}
}

func (c *watchCase) run(t *testing.T) {
	t.Helper()
	s := newSite(t)
	if c.prepare != nil {
		c.prepare(s)
	}
	path := weirBinary
	if c.program != nil {
		path = c.program(s)
	}
	s.Server = program.Start(t, path, s.Dir, s.conf(c.body), "-watch")
	program.Await(t, "the watch", s.isWatched)
	const before = 1
	c.change(s)
	last := time.Now()
	if c.reloads < 0 { // the change has waited for the reload
		return
	}
	if c.reloads > 0 {
		program.Await(t, "the reload", func() bool { return s.Starts(t) > before })
		figure(t, "watch", "%s: %v", c.name, time.Since(last).Round(time.Millisecond))
		if took := time.Since(last); took > reloadLimit {
			t.Errorf("the reload took %v, want at most %v", took, reloadLimit)
		}
	}
	s.steady()
	if n := s.Starts(t) - before; n != c.reloads {
		t.Errorf("%d reloads, want %d", n, c.reloads)
	}
	if n := s.lines("[emerg]"); n != 0 {
		t.Errorf("%d messages of errors", n)
	}
	if c.check != nil {
		c.check(t, s)
	}
}

// isWatched reports whether weir has an inotify watch of its configuration, which in a mount namespace is
// another file.
func (s *site) isWatched() bool {
	s.t.Helper()
	var inodes []string
	for _, name := range []string{"nginx.conf", "mounted"} {
		if info, err := os.Stat(s.Path(name)); err == nil {
			inodes = append(inodes, fmt.Sprintf(" ino:%x ", info.Sys().(*syscall.Stat_t).Ino))
		}
	}
	all, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", s.PID()))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, path := range all {
		text, _ := os.ReadFile(path) // it may have been closed
		if slices.ContainsFunc(inodes, func(inode string) bool { return strings.Contains(string(text), inode) }) {
			return true
		}
	}
	return false
}

// steady waits until there has been no reload for a while.
func (s *site) steady() {
	s.t.Helper()
	starts, since := s.Starts(s.t), time.Now()
	program.Await(s.t, "the end of reloads", func() bool {
		if now := s.Starts(s.t); now != starts {
			starts, since = now, time.Now()
		}
		return time.Since(since) > noReloadFor
	})
}

func (s *site) mkdir(name string) {
	s.t.Helper()
	if err := os.Mkdir(s.Path(name), 0o755); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) remove(name string) {
	s.t.Helper()
	if err := os.Remove(s.Path(name)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) link(to, name string) {
	s.t.Helper()
	if err := os.Symlink(to, s.Path(name)); err != nil {
		s.t.Fatal(err)
	}
}

// mountVolume makes the directory as the kubelet does for a ConfigMap: the file is a link into a
// directory that is itself behind a link.
func (s *site) mountVolume() {
	s.t.Helper()
	s.swapVolume("1", "")
	s.link("..data/nginx.conf", "nginx.conf")
}

// swapVolume makes a new version of the volume and replaces the link in one step.
func (s *site) swapVolume(version, text string) {
	s.t.Helper()
	s.mkdir("..version_" + version)
	s.write("..version_"+version+"/nginx.conf", text)
	s.link("..version_"+version, "..data_tmp")
	if err := os.Rename(s.Path("..data_tmp"), s.Path("..data")); err != nil {
		s.t.Fatal(err)
	}
}

// inMountNamespace returns a program that mounts a file as nginx.conf, as a container does, and becomes
// weir.
func (s *site) inMountNamespace() string {
	s.t.Helper()
	if os.Getuid() != 0 {
		installed.Missing(s.t, "only root can make a mount namespace")
	}
	unshare := installed.Program(s.t, "unshare", "util-linux")
	s.write("nginx.conf", s.conf(oneServer))
	script := fmt.Sprintf("#!/bin/sh\nexec %s -m sh -c 'mount --bind %s %s && exec %s \"$@\"' weir \"$@\"\n",
		unshare, s.Path("mounted"), s.Path("nginx.conf"), weirBinary)
	if err := os.WriteFile(s.Path("mounting"), []byte(script), 0o755); err != nil {
		s.t.Fatal(err)
	}
	return s.Path("mounting")
}

// certificate replaces the certificate and the key with those of a new authority.
func (s *site) certificate(name string) {
	s.t.Helper()
	ca, err := authority.New(s.t.TempDir(), name)
	if err != nil {
		s.t.Fatal(err)
	}
	pair, err := ca.Server("a.example.com")
	if err != nil {
		s.t.Fatal(err)
	}
	for to, from := range map[string]string{"server.crt": pair.Cert, "server.key": pair.Key} {
		text, err := os.ReadFile(from)
		if err != nil {
			s.t.Fatal(err)
		}
		s.replace(to, string(text))
	}
}

// database replaces the GeoIP database. Versions differ in their first byte, which belongs to the tree.
func (s *site) database(version byte) {
	s.t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "geoip", "country.dat"))
	if err != nil {
		s.t.Fatal(err)
	}
	data[0] += version
	s.replace("country.dat", string(data))
}

// writeSlowly writes nginx.conf in pieces, over more than a second.
func (s *site) writeSlowly(text string) {
	s.t.Helper()
	f, err := os.Create(s.Path("nginx.conf"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer f.Close()
	const pieces = 6
	pace := time.NewTicker(250 * time.Millisecond)
	defer pace.Stop()
	for i := range pieces {
		<-pace.C
		if _, err := f.WriteString(text[len(text)*i/pieces : len(text)*(i+1)/pieces]); err != nil {
			s.t.Fatal(err)
		}
	}
}

// writeUntilReload writes another file each 100 ms until weir reloads.
func (s *site) writeUntilReload() {
	s.t.Helper()
	before, began := s.Starts(s.t), time.Now()
	pace := time.NewTicker(100 * time.Millisecond)
	defer pace.Stop()
	for n := 0; s.Starts(s.t) == before; n++ {
		if time.Since(began) > program.Patience {
			s.t.Fatal("weir does not reload")
		}
		<-pace.C
		s.replace("nginx.conf", s.conf(fmt.Sprintf("server { listen $ADDR; return %d; }\n", n)))
	}
	figure(s.t, "watch", "reload while a file changes ten times a second: after %v", time.Since(began).Round(time.Millisecond))
}
