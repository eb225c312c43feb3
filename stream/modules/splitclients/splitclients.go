// Package splitclients provides variables that divide clients into shares; the share of a client
// never changes.
//
// See https://nginx.org/en/docs/stream/ngx_stream_split_clients_module.html.
package splitclients

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"weir/stream"
)

// A Split is one split_clients block. It must not be changed after first use.
type Split struct {
	source stream.Template
	parts  []part
}

// A part is a share of all hashes. Its limit is its hundredths of a percent until Finish replaces
// it with the first hash after the part; 0 means no limit.
type part struct {
	limit uint32
	value string
}

// New returns a Split of source without parts.
func New(source stream.Template) *Split { return &Split{source: source} }

// hundred is 100 %, in hundredths of a percent.
const hundred = 10000

// Add adds a part: "0.5%", or "*" for the rest. The error is nginx's sentence.
func (s *Split) Add(percent, value string) error {
	p := part{value: strings.Clone(value)}
	if percent != "*" {
		var ok bool
		if p.limit, ok = parsePercent(percent); !ok {
			return fmt.Errorf("invalid percent value \"%s\"", percent)
		}
	}
	s.parts = append(s.parts, p)
	return nil
}

// parsePercent parses hundredths of a percent, as ngx_atofp: digits with up to two decimals. Zero
// is refused.
func parsePercent(text string) (uint32, bool) {
	text, ok := strings.CutSuffix(text, "%")
	whole, decimals, _ := strings.Cut(text, ".")
	if !ok || text == "" || len(decimals) > 2 {
		return 0, false
	}
	var n int64
	for _, c := range []byte(whole + (decimals + "00")[:2]) {
		if c < '0' || c > '9' || n > (math.MaxInt64-9)/10 {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return uint32(n), n != 0
}

// Finish sums up the parts, after all have been added. The error is nginx's sentence.
func (s *Split) Finish() error {
	var sum, last uint32
	for i := range s.parts {
		p := &s.parts[i]
		sum += p.limit
		if p.limit == 0 {
			sum = hundred
		}
		if sum > hundred {
			return errors.New("percent total is greater than 100%")
		}
		if sum == hundred {
			p.limit = 0 // the sum of rounded shares ends before the last hash
		}
		if p.limit > 0 {
			last += uint32(uint64(p.limit) * math.MaxUint32 / hundred)
			p.limit = last
		}
	}
	return nil
}

// Get returns the value for session ses; empty for a client outside all parts. Only the source may
// allocate.
func (s *Split) Get(ses *stream.Session) (string, bool) {
	h := murmur(s.source.Eval(ses))
	for i := range s.parts {
		if p := &s.parts[i]; h < p.limit || p.limit == 0 {
			return p.value, true
		}
	}
	return "", true
}

// murmur returns MurmurHash2 with seed 0, as ngx_murmur_hash2.
func murmur(text string) uint32 {
	const m = 0x5bd1e995
	h := uint32(len(text))
	for ; len(text) >= 4; text = text[4:] {
		k := word(text) * m
		h = h*m ^ (k^k>>24)*m
	}
	if len(text) > 0 {
		h = (h ^ word(text)) * m
	}
	h = (h ^ h>>13) * m
	return h ^ h>>15
}

// word returns the first four bytes of text, padded with zeros.
func word(text string) uint32 {
	var b [4]byte
	copy(b[:], text)
	return binary.LittleEndian.Uint32(b[:])
}
