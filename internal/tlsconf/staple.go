package tlsconf

import (
	"encoding/asn1"
	"strings"
)

// Staple loads the OCSP response of ssl_stapling_file, which is not verified. Follows
// ngx_ssl_stapling_file.
func (f Files) Staple(name string) ([]byte, error) {
	text, err := f.text(name)
	if err != nil {
		return nil, failed(strings.Replace(fopen(name, err), ", r)", ", rb)", 1), "BIO_new_file(\"%s\") failed", name)
	}
	response, queued, ok := parseResponse(text)
	if !ok {
		return nil, failed(queued, "d2i_OCSP_RESPONSE_bio(\"%s\") failed", name)
	}
	return response, nil
}

// parseResponse returns the first OCSP response of a text, or OpenSSL's error.
func parseResponse(text []byte) (response []byte, queued string, ok bool) {
	const nested = "error:0688010A:asn1 encoding routines::nested asn1 error"
	if len(text) == 0 {
		return nil, "", false
	}
	var outer, status asn1.RawValue
	if _, err := asn1.Unmarshal(text, &outer); err != nil {
		return nil, "error:0680008E:asn1 encoding routines::not enough data", false
	}
	if _, err := asn1.Unmarshal(outer.Bytes, &status); err != nil || outer.Tag != asn1.TagSequence || status.Tag != asn1.TagEnum {
		const field = ":Field=responseStatus, Type=OCSP_RESPONSE"
		return nil, "error:068000A8:asn1 encoding routines::wrong tag " + nested + " " + nested + field, false
	}
	return outer.FullBytes, "", true
}
