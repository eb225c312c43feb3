package mqtt

import (
	"testing"

	"weir/internal/testmutate"
)

// TestMutatedPackets gives changed packets to all parsers of the package: none fails, and none finds more
// than it was given.
func TestMutatedPackets(t *testing.T) {
	var seeds [][]byte
	for _, r := range rows() {
		if r.state == Done && len(r.input) < 1024 {
			seeds = append(seeds, r.input)
		}
	}
	seeds = append(seeds, []byte("\x20\x03\x00\x00\x00\x30\x05\x00\x01ahi\xd0\x00"))
	testmutate.Run(t, seeds, func(b []byte) {
		c := Parse(b)
		if len(c.ClientID)+len(c.Username) > len(b) || c.State == More && c.Need <= len(b) {
			t.Fatalf("%q: got %+v", b, c)
		}
		if p := Split(b); p.State == Done && p.Size > len(b) {
			t.Fatalf("%q: got %+v", b, p)
		}
		ParseConnack(b)
		PacketLimit(b)
		new(Framing).Follow(b)
	})
}
