package getaddrinfo

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"weir/conformance/installed"
	"weir/conformance/peers"
)

// A situation is a machine, with its interfaces, its files and a name server on 127.0.0.1, and the
// names to look up.
type situation struct {
	name  string
	ip    []string          // commands of ip(8), after "link set lo up"; "4" and "6" stand for a link with addresses
	files map[string]string // under /etc; nsswitch.conf, host.conf, hosts and resolv.conf have defaults
	dns   func(d *zone)
	ask   []string
}

// The links of situations.
var (
	link       = []string{"link add d0 type veth peer name d1", "link set d1 up", "link set d0 up"}
	with4      = []string{"addr add 192.0.2.5/24 dev d0", "route add default via 192.0.2.1"}
	withGlobal = []string{"addr add 2001:db8::5/64 dev d0 nodad", "-6 route add default dev d0"}
	withULA    = []string{"addr add fd00::5/64 dev d0 nodad", "-6 route add fc00::/7 dev d0"}
	no6        = []string{"sysctl all", "sysctl default", "sysctl lo"}
)

func links(parts ...[]string) (all []string) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

const (
	dualHosts = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n192.0.2.9 Srv.example srv alias # comment\n" +
		"2001:db8::9 srv.example\n192.0.2.8 srv.example\n#192.0.2.1 gone\n300.1.1.1 bad\n192.0.2.77\n fe80::9%lo scoped\n192.0.2.10 spaced\t tabbed\n" +
		"::ffff:192.0.2.11 mapped\n"
	dualConf = "nameserver 127.0.0.1\nsearch a.test b.test\noptions timeout:1 attempts:1\n"
)

// manyKinds adds names with addresses of all kinds.
func manyKinds(d *zone) {
	d.set("many.test", "A", "198.51.100.1", "192.0.2.200", "192.0.2.4", "127.0.0.9", "169.254.1.1", "10.1.2.3", "192.0.2.5")
	d.set("many.test", "AAAA", "2001:db8:1::1", "fd00::1", "2001:db8::6", "2002::1", "fe80::1", "2001::1", "::1", "fec0::1", "2001:db8::5")
	d.set("v4.test", "A", "192.0.2.20", "192.0.2.4", "192.0.2.130", "192.0.2.7")
	d.set("v6.test", "AAAA", "2001:db8::20", "2001:db8::4", "2001:db8:0:1::1", "2001:db8:8000::1")
	d.set("both.test", "A", "192.0.2.20")
	d.set("both.test", "AAAA", "2001:db8::20")
	d.set("far.test", "A", "203.0.113.9", "203.0.113.1")
	d.set("far.test", "AAAA", "2001:db8:ffff::9", "2001:db8:ffff::1")
}

var manyNames = []string{
	"localhost", "LOCALHOST", "ip6-localhost", "srv", "SRV.example", "alias", "gone", "bad", "scoped", "tabbed", "mapped", "localhost.",
	"many.test", "v4.test", "v6.test", "both.test", "far.test", "none.test", "127.1", "0x7f.1", "1883", "0177.0.0.010", "1.2.3.4.5",
	"256.1.1.1", "09.1.1.1", "2001:db8::1", "::1", "fe80::1%lo", "fe80::1%99", "fe80::1%nope", "2001:db8::1%lo", "::ffff:1.2.3.4",
	"*", "-a.test", "a..test", "a_b.test", "ä.test", "1.2.3", "0x", "+1",
}

func situations() []situation {
	var all []situation
	for name, ip := range map[string][]string{
		"loopback only": nil, "loopback without IPv6": no6, "no IPv6": links(no6, link, with4), "link-local IPv6 and IPv4": links(link, with4),
		"both global": links(link, with4, withGlobal), "ULA and IPv4": links(link, with4, withULA), "ULA and global": links(link, withULA, withGlobal),
		"all": links(link, with4, withULA, withGlobal), "IPv6 only": links(link, withGlobal), "link-local IPv6 only": link,
		"IPv4 without a route":  links(link, []string{"addr add 192.0.2.5/24 dev d0"}, withGlobal),
		"several IPv4 networks": links(link, with4, []string{"addr add 10.1.0.5/16 dev d0", "addr add 198.51.100.5/28 dev d0"}, withGlobal),
		"deprecated IPv6":       links(link, with4, []string{"addr add 2001:db8::5/64 dev d0 nodad preferred_lft 0", "-6 route add default dev d0"}),
		"only 127.0.0.2":        {"addr add 127.0.0.2/8 dev lo"},
		"point to point":        links(link, []string{"addr add 192.0.2.5 peer 192.0.2.4/32 dev d0", "route add default dev d0"}, withGlobal),
	} {
		all = append(all, situation{name: name, ip: ip, dns: manyKinds, ask: manyNames})
		all = append(all, situation{name: name + ", multi off", ip: ip, dns: manyKinds, ask: manyNames[:20], files: map[string]string{"host.conf": "multi off\n"}})
	}
	return append(all, fileSituations()...)
}

func fileSituations() []situation {
	dual := links(link, with4, withGlobal)
	one := func(name, file, text string, ask ...string) situation {
		return situation{name: name, ip: dual, files: map[string]string{file: text}, dns: manyKinds, ask: append(ask, manyNames[:17]...)}
	}
	gai := func(name, text string) situation { return one("gai.conf: "+name, "gai.conf", text) }
	nss := func(text string) situation { return one("nsswitch.conf: "+text, "nsswitch.conf", text) }
	resolv := func(text string, ask ...string) situation {
		if text != dualConf {
			ask = without(ask, "silent") // they take seconds
		}
		s := one("resolv.conf: "+text, "resolv.conf", text, ask...)
		s.dns = searched
		return s
	}
	four := one("sortlist", "resolv.conf", "nameserver 127.0.0.1\nsortlist 203.0.113.1/255.255.255.255 10.0.0.0 192.0.2.128/255.255.255.128\n")
	four.ip = links(no6, link, with4)
	return []situation{
		gai("IPv4 first", "precedence ::ffff:0:0/96  100\n"),
		gai("labels", "label ::1/128 0\nlabel ::/0 1\nlabel 2001:db8:1::/48 9\nlabel ::ffff:0:0/96 4 # comment\n"),
		gai("scopes", "scopev4 ::ffff:169.254.0.0/112 2\nscopev4 192.0.2.0/24 2\nscopev4 0.0.0.0/0 14\n"),
		gai("the table of RFC 6724", "precedence ::1/128 50\nprecedence ::/0 40\nprecedence ::ffff:0:0/96 35\nprecedence 2002::/16 30\n"+
			"precedence 2001::/32 5\nprecedence fc00::/7 3\nprecedence ::/96 1\nprecedence fec0::/10 1\n"),
		gai("nonsense", "precedence\nprecedence x 1\nlabel ::/200 1\nfoo bar baz\nreload yes\n"),
		nss("hosts: files\n"), nss("hosts: dns\n"), nss("hosts: dns files\n"), nss("passwd: files\n"), nss("hosts: dns [NOTFOUND=return] files\n"),
		nss("hosts: dns [!UNAVAIL=return] files\n"), nss("hosts: mymodule files\n"), nss("hosts: mymodule [UNAVAIL=return] files\n"),
		nss("hosts:files dns\n"), nss("hosts: files [SUCCESS=continue] dns\n"), nss(" hosts :\tdns [ notfound = Return ] files\n"), nss("hosts:\n"),
		nss("hosts: files # dns\n"), nss("#hosts: dns\n"),
		resolv(dualConf, searchNames...), resolv("nameserver 127.0.0.1\ndomain b.test\noptions timeout:1 attempts:1\n", searchNames...),
		resolv("nameserver 127.0.0.1\nsearch a.test b.test\noptions ndots:2 timeout:1 attempts:1\n", searchNames...),
		resolv("nameserver 127.0.0.1\nsearch a.test b.test .\noptions ndots:0 timeout:1 attempts:1 no-tld-query\n", searchNames...),
		resolv("nameserver 127.0.0.1\nsearch b.test\noptions use-vc timeout:1 attempts:1\n", searchNames...),
		resolv("nameserver 127.0.0.1\nsearch b.test\noptions edns0 single-request timeout:1 attempts:1\n", without(searchNames, "half6")...),
		resolv("nameserver 127.0.0.1\nsearch b.test\noptions no-aaaa timeout:1 attempts:1\n", searchNames...),
		resolv("nameserver 127.0.0.7\nnameserver 127.0.0.1\noptions timeout:1 attempts:1\n", searchNames...),
		resolv("nameserver ::1\n nameserver 127.0.0.1\n", "many.test"), resolv("nameserver 0x7f.1 comment\n", "many.test"),
		resolv("nameserver nonsense\n; comment\n# comment\n", "many.test"), resolv("", "many.test"),
		{name: "no files at all", ip: dual, files: map[string]string{"hosts": "-", "resolv.conf": "-", "nsswitch.conf": "-", "host.conf": "-"}, dns: manyKinds, ask: manyNames[:17]},
		four,
	}
}

var searchNames = []string{
	"one", "one.", "one.x", "two", "three.x", "nothing", "nothing.x", "alias.test", "far.alias.test", "dangling.test", "fails.test",
	"fails", "half4.test", "half6.test", "nodata", "nodata.test", "refused.test", "silent.test", "silent6.test", "cut.test",
}

// without removes names: with single-request the C library does not ask for AAAA if a server fails
// A, and over TCP it waits forever.
func without(names []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return strings.HasPrefix(n, prefix) })
}

// searched adds names in domains, and servers that fail.
func searched(d *zone) {
	manyKinds(d)
	d.set("one.a.test", "A", "192.0.2.31")
	d.set("one.b.test", "A", "192.0.2.32")
	d.set("one", "A", "192.0.2.33")
	d.set("one.x", "A", "192.0.2.34")
	d.set("two.b.test", "AAAA", "2001:db8::32")
	d.set("three.x.b.test", "A", "192.0.2.35")
	d.set("alias.test", "CNAME", "both.test")
	d.set("far.alias.test", "CNAME", "alias.test")
	d.set("dangling.test", "CNAME", "nothing.test")
	d.set("half4.test", "A", "192.0.2.36")
	d.set("half6.test", "AAAA", "2001:db8::36")
	d.set("fails.b.test", "A", "192.0.2.37")
	d.set("nodata.test", "A")
	d.set("nodata.a.test", "A")
	d.set("nodata.b.test", "A", "192.0.2.38")
	d.set("silent6.test", "A", "192.0.2.39")
	d.set("cut.test", "A", "192.0.2.40")
	d.Fail("fails.test", 2)
	d.Fail("fails.a.test", 2)
	d.Fail("half4.test AAAA", 2)
	d.Fail("half6.test A", 2)
	d.Fail("refused.test", 5)
	d.Silence("silent.test", true)
	d.Silence("silent6.test AAAA", true)
}

// A zone is a name server.
type zone struct {
	*peers.DNS
	t *testing.T
}

func (z *zone) set(name, kind string, values ...string) {
	z.t.Helper()
	if err := z.Set(name, kind, 60, values...); err != nil {
		z.t.Fatal(err)
	}
}

// Environment variables that control a test in a namespace.
const (
	situationVar = "WEIR_TEST_SITUATION"
	programVar   = "WEIR_TEST_LOOKUP"
)

// TestAsTheCLibrary compares Lookup with the C library in many situations, each in its own
// namespaces: it must return the same addresses in the same order.
func TestAsTheCLibrary(t *testing.T) {
	program := compile(t)
	for _, s := range situations() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "unshare", "--net", "--mount", "--propagation", "private",
				os.Args[0], "-test.run=^TestSituation$", "-test.v")
			cmd.Env = append(os.Environ(), situationVar+"="+s.name, programVar+"="+program, "LC_ALL=C")
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), "--- PASS") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// compile builds the program that calls the C library, or skips the test if it cannot; with CI=true
// it must succeed.
func compile(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		installed.Missing(t, "needs root, for namespaces")
	}
	if out, err := exec.Command("unshare", "--net", "--mount", "true").CombinedOutput(); err != nil {
		installed.Missing(t, "needs namespaces: "+string(out))
	}
	cc := installed.Program(t, "cc", "gcc")
	program := filepath.Join(t.TempDir(), "lookup")
	if out, err := exec.Command(cc, "-o", program, "testdata/lookup.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// TestSituation runs in the namespaces that TestAsTheCLibrary has created.
func TestSituation(t *testing.T) {
	name := os.Getenv(situationVar)
	if name == "" {
		t.Skip("run by TestAsTheCLibrary")
	}
	for _, s := range situations() {
		if s.name == name {
			s.run(t, os.Getenv(programVar))
		}
	}
}

func (s *situation) run(t *testing.T, program string) {
	t.Helper()
	s.setUp(t)
	d, err := peers.StartDNS("127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	s.dns(&zone{d, t})
	out, err := exec.CommandContext(t.Context(), program, s.ask...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		if got := lookupText(t, s.ask[i]); got != want {
			t.Errorf("%q: got %s, want %s", s.ask[i], got, want)
		}
	}
}

func lookupText(t *testing.T, name string) string {
	t.Helper()
	addrs, err := Lookup(t.Context(), name)
	if err != nil {
		return "none"
	}
	texts := make([]string, len(addrs))
	for i, ip := range addrs {
		texts[i] = ip.WithZone("").String()
	}
	return strings.Join(texts, " ")
}

// setUp creates the interfaces and /etc.
func (s *situation) setUp(t *testing.T) {
	t.Helper()
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v\n%s", args, err, out)
		}
	}
	if err := os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	ip("link", "set", "lo", "up")
	for _, command := range s.ip {
		if of, ok := strings.CutPrefix(command, "sysctl "); ok {
			if err := os.WriteFile(fmt.Sprintf("/proc/sys/net/ipv6/conf/%s/disable_ipv6", of), []byte("1"), 0); err != nil {
				t.Fatal(err)
			}
			continue
		}
		ip(strings.Fields(command)...)
	}
	s.awaitLinkLocal(t)
	etc := t.TempDir()
	files := map[string]string{"nsswitch.conf": "hosts: files dns\n", "host.conf": "multi on\n", "hosts": dualHosts, "resolv.conf": dualConf}
	maps.Copy(files, s.files)
	for name, text := range files {
		if text == "-" {
			continue
		}
		if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mount(etc, "/etc", "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Unmount("/etc", syscall.MNT_DETACH) })
}

// awaitLinkLocal waits for the addresses that the kernel assigns to links automatically.
func (s *situation) awaitLinkLocal(t *testing.T) {
	t.Helper()
	if len(s.ip) == 0 || strings.HasPrefix(s.ip[0], "sysctl") || !strings.HasPrefix(s.ip[0], "link") {
		return
	}
	for t.Context().Err() == nil {
		addrs, err := interfaceAddrs()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, a := range addrs {
			if a.addr.IsLinkLocalUnicast() {
				n++
			}
		}
		if n == 2 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}
