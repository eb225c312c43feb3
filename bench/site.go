//go:build linux

package main

import (
	"embed"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed configs
var configs embed.FS

var templates = template.Must(template.ParseFS(configs, "configs/*"))

// workers is the number of workers, threads or loops of every subject.
const workers = 2

// A site is the data for a configuration template. Its field names are those the templates use.
type site struct {
	Dir         string // for all files that the subject writes
	Listen      netip.AddrPort
	Datagrams   netip.AddrPort
	Singles     netip.AddrPort // datagrams, each a session
	WithTLS     bool           // the test needs the TLS servers
	TLS         netip.AddrPort
	RSA         netip.AddrPort
	Servers     []netip.AddrPort
	Classes     []string // the entries of a map that each log line looks into
	Workers     int
	Sessions    int // required number of sessions
	Descriptors int // descriptors for Sessions

	Module     string
	ByClientID bool // else by address, for nginx
	Bare       bool
	Counted    bool // with zones and status_zone
}

// write writes the subject's configuration into the directory of the site and returns the command
// line arguments.
func (s *subject) write(at site) ([]string, error) {
	if err := writeCertificates(at.Dir); err != nil {
		return nil, err
	}
	at.Module, at.Bare, at.ByClientID = s.module, s.bare, s.name != "nginx"
	at.Counted = !s.bare && !s.uncounted
	if s.name != "haproxy" {
		return []string{"-p", at.Dir, "-e", filepath.Join(at.Dir, "error.log"), "-c", at.path("nginx.conf")}, at.render("nginx.conf")
	}
	if err := at.render("classes"); err != nil {
		return nil, err
	}
	return []string{"-W", "-db", "-f", at.path("haproxy.cfg")}, at.render("haproxy.cfg")
}

func (at *site) path(name string) string { return filepath.Join(at.Dir, name) }

func (at *site) render(name string) error { return render(at.path(name), name, at) }

// render creates a file from a template.
func render(path, name string, data any) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := templates.ExecuteTemplate(f, name, data); err != nil {
		return err
	}
	return f.Close()
}

// maxServers is the largest n for servers.
const maxServers = 60_000

// servers returns n addresses with the port. All belong to the broker, which listens on every
// loopback address.
func servers(n int, port uint16) []netip.AddrPort {
	all := make([]netip.AddrPort, n)
	for i := range all {
		all[i] = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 2, byte(i / 250), byte(i%250 + 1)}), port)
	}
	return all
}

// sources returns the source addresses of clients: enough that their ports do not run out.
func sources() []netip.Addr {
	all := make([]netip.Addr, 16)
	for i := range all {
		all[i] = netip.AddrFrom4([4]byte{127, 0, 1, byte(i + 1)})
	}
	return all
}

// classes returns n addresses that no client has, followed by one that a client has.
func classes(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("10.%d.%d.1", i/250, i%250)
	}
	if n > 0 {
		all[n-1] = sources()[0].String()
	}
	return all
}
