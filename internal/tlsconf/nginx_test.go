package tlsconf

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"weir/conformance/installed"
	"weir/conformance/nginx"
	"weir/internal/testcert"
)

// An oracle is nginx with a directory of files.
type oracle struct {
	build *nginx.Build
	dir   string
}

func newOracle(t *testing.T, files memory) *oracle {
	t.Helper()
	o := &oracle{installed.Nginx(t), t.TempDir()}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(o.dir, "directory"), 0o700); err != nil {
		t.Fatal(err)
	}
	return o
}

var emergency = regexp.MustCompile(`\[emerg\] \d+#\d+: (.*)`)

// sentence returns the sentence with which nginx refuses the directives of a server, or nothing.
func (o *oracle) sentence(t *testing.T, directives string) string {
	t.Helper()
	conf := filepath.Join(o.dir, "nginx.conf")
	text := o.build.Load(nginx.Stream) + fmt.Sprintf("pid %s/pid; error_log stderr; events {}\nstream { server { listen 127.0.0.1:4999 ssl; %s return ok; } }\n", o.dir, directives)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command(o.build.Path, "-e", "stderr", "-t", "-p", o.dir, "-c", conf).CombinedOutput()
	m := emergency.FindSubmatch(out)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(string(m[1]), o.dir, "")
}

// compare compares nginx's sentence with one of these tests.
func (o *oracle) compare(t *testing.T, directives, want string) {
	t.Helper()
	got := o.sentence(t, directives)
	if got != want && !(strings.HasSuffix(want, ":") && strings.HasPrefix(got, strings.TrimSuffix(want, ":"))) {
		t.Errorf("%s:\n\tnginx %s\n\twant  %s", directives, got, want)
	}
}

// isOurs reports whether a sentence is about a limit of crypto/tls.
func isOurs(sentence string) bool {
	return strings.Contains(sentence, "supported") && !strings.Contains(sentence, "SSL: error") || strings.Contains(sentence, "cannot be switched off") ||
		strings.Contains(sentence, "key type mismatch")
}

// TestCertificateErrorsAgainstNginx leaves out a file without permission, which root can read.
func TestCertificateErrorsAgainstNginx(t *testing.T) {
	m, cases := certificateErrors(t)
	o := newOracle(t, m)
	for _, c := range cases {
		if c.certificate == "/secret" || isOurs(c.want) {
			continue
		}
		certificate, key := strings.TrimPrefix(c.certificate, "/"), strings.TrimPrefix(c.key, "/")
		o.compare(t, fmt.Sprintf("ssl_certificate %q; ssl_certificate_key %q; ssl_ciphers HIGH:@SECLEVEL=%d;", certificate, key, c.level), c.want)
	}
}

func TestCommandsAgainstNginx(t *testing.T) {
	cert := makeCert(t, nil, testcert.ECKey(t))
	o := newOracle(t, memory{"/crt": cert.pem, "/key": cert.pkcs})
	for _, c := range commandCases() {
		want := c.failure
		if isOurs(want) {
			want = ""
		}
		o.compare(t, fmt.Sprintf("ssl_certificate crt; ssl_certificate_key key; ssl_conf_command %q %q;", c.name, c.value), want)
	}
}
