package handshakes

import (
	"testing"

	"weir/conformance/authority"
	"weir/conformance/program"
)

// streamConf returns a configuration with the body of a stream block.
func streamConf(body string) string {
	return "worker_processes 2;\npid pid;\nerror_log error.log info;\nevents { worker_connections 16384; }\nstream {\n" + body + "\n}\n"
}

// startWeir runs weir with the body of a stream block.
func startWeir(t *testing.T, dir, body string, options ...string) *program.Server {
	t.Helper()
	return program.Start(t, weirBinary, dir, streamConf(body), options...)
}

// newAuthority returns an authority with files in dir.
func newAuthority(t *testing.T, dir, name string) *authority.Authority {
	t.Helper()
	a, err := authority.New(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// pair returns the certificate that a call has made.
func pair(t *testing.T) func(authority.Pair, error) authority.Pair {
	t.Helper()
	return func(p authority.Pair, err error) authority.Pair {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}
