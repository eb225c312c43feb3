package tlsconf

import (
	"bytes"
	"encoding/pem"
	"strings"
)

// A pemError is the error that OpenSSL queues for text that is not PEM.
type pemError string

// Error returns OpenSSL's words.
func (e pemError) Error() string { return string(e) }

const (
	errBadEndLine pemError = "error:04800066:PEM routines::bad end line"
	errBadBase64  pemError = "error:04800064:PEM routines::bad base64 decode"
	noStartLine            = "error:0480006C:PEM routines::no start line:Expecting: "
	badASN1                = "error:068000A8:asn1 encoding routines::wrong tag error:0688010A:asn1 encoding routines::nested asn1 error:Type="
	fromPEM                = " error:0488000D:PEM routines::ASN1 lib"
)

var beginning = []byte("-----BEGIN ")

// nextBlock returns the first PEM block of text; nil if there is none. encoding/pem would skip a
// malformed one, which OpenSSL reports.
func nextBlock(text []byte) (block *pem.Block, rest []byte, err error) {
	start := startLine(text)
	if start < 0 {
		return nil, nil, nil
	}
	text = text[start:]
	line, _, _ := bytes.Cut(text, []byte("\n"))
	kind, ok := strings.CutSuffix(strings.TrimRight(string(line[len(beginning):]), " \t\r"), "-----")
	if !ok {
		return nextBlock(text[len(beginning):])
	}
	end := []byte("\n-----END " + kind + "-----")
	i := bytes.Index(text, end)
	if i < 0 {
		return nil, nil, errBadEndLine
	}
	i += len(end)
	block, _ = pem.Decode(append(bytes.Clone(text[:i]), '\n'))
	if block == nil {
		return nil, nil, errBadBase64
	}
	return block, text[i:], nil
}

// startLine returns the place of the first line that begins a block, or -1.
func startLine(text []byte) int {
	for at := 0; ; {
		i := bytes.Index(text[at:], beginning)
		if i < 0 {
			return -1
		}
		at += i
		if at == 0 || text[at-1] == '\n' {
			return at
		}
		at += len(beginning)
	}
}

// blocks returns the blocks of the given types. On a malformed block it returns those before it.
func blocks(text []byte, kinds ...string) (all []*pem.Block, err error) {
	for {
		block, rest, err := nextBlock(text)
		if err != nil || block == nil {
			return all, err
		}
		for _, kind := range kinds {
			if block.Type == kind {
				all = append(all, block)
			}
		}
		text = rest
	}
}
