package proxyproto

import (
	"testing"

	"weir/internal/testmutate"
)

// TestMutatedHeaders gives changed headers to the parser.
func TestMutatedHeaders(t *testing.T) {
	var seeds [][]byte
	for _, r := range parseRows {
		if len(r.input) < 1024 {
			seeds = append(seeds, []byte(r.input))
		}
	}
	testmutate.Run(t, seeds, func(b []byte) {
		Partial(b)
		h, n, err := Parse(b)
		if n > min(len(b), MaxHeader) || err != nil && h != nil {
			t.Fatalf("%q: got %+v, %d, %v", b, h, n, err)
		}
		if h != nil {
			h.TLV("ssl_cn")
		}
	})
}
