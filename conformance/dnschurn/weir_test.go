package dnschurn

import (
	"strings"
	"testing"

	"weir/conformance/program"
)

// startWeir runs weir with the groups.
func startWeir(t *testing.T, groups []*group) *program.Server {
	t.Helper()
	return program.StartWithWorkers(t, weirBinary, t.TempDir(), conf(groups))
}

// conf returns a configuration that serves the groups. The access log has a line for each session:
// its user name, its status, and its servers.
func conf(groups []*group) string {
	var b strings.Builder
	b.WriteString(`worker_processes 2;
pid pid;
error_log error.log notice;
events { worker_connections 1024; }
stream {
mqtt_preread on;
log_format visits "$mqtt_preread_username $status $upstream_addr";
access_log access.log visits;
proxy_connect_timeout 3s;
`)
	for _, g := range groups {
		b.WriteString(g.conf())
	}
	b.WriteString("}\n")
	return b.String()
}
