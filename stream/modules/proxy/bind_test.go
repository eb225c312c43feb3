package proxy

import "testing"

// FuzzParseLocal checks that the text of a parsed address parses to the same address.
func FuzzParseLocal(f *testing.F) {
	for _, text := range []string{"127.0.0.1", "127.0.0.1:80", "::1", "[::1]:80", "[::1]", "fe80::1%eth0", "1.2.3.4:0", "", "x", "::ffff:1.2.3.4"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		addr, err := ParseLocal(text)
		if err != nil {
			return
		}
		if !addr.IsValid() || addr.Unix {
			t.Fatalf("%q is no address, and no error", text)
		}
		again := addr.Host()
		if addr.IP.Port() != 0 {
			again = addr.String()
		}
		if got, err := ParseLocal(again); err != nil || got != addr {
			t.Errorf("%q is %v, which is read as %v, %v", text, addr, got, err)
		}
	})
}
