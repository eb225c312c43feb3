package proxyproto

import (
	"encoding/binary"
	"strconv"
)

// The types of the TLVs of cloud platforms, and the subtypes with which two of them begin.
const (
	gcpType   = 0xe0
	awsType   = 0xea
	azureType = 0xee

	awsEndpointID  = 1
	azureLinkID    = 1
	azureLinkBytes = 4
	gcpBytes       = 8
)

// A VendorTLV is a TLV that a cloud platform sends about a connection.
type VendorTLV struct {
	Name string // in $proxy_protocol_tlv_NAME
	kind uint64
	text func(value string) (string, bool)
}

// VendorTLVs are the TLVs with names in ngx_stream_proxy_protocol_vendor_module and its counterpart of http.
var VendorTLVs = []VendorTLV{
	{"aws_vpce_id", awsType, awsText},
	{"azure_pel_id", azureType, azureText},
	{"gcp_conn_id", gcpType, gcpText},
}

// Of returns the value in a header. It is false if the header does not have it, or not as the platform documents
// it. As for TLV, an error means not found. A nil Header has no TLVs.
func (v *VendorTLV) Of(h *Header) (string, bool, error) {
	if h == nil {
		return "", false, nil
	}
	value, ok, err := lookup(h.tlvs, v.kind)
	if !ok {
		return "", false, err
	}
	text, ok := v.text(string(value))
	return text, ok, nil
}

// awsText returns the identifier of a VPC endpoint, which is text after its subtype.
func awsText(value string) (string, bool) {
	if value == "" || value[0] != awsEndpointID {
		return "", false
	}
	return value[1:], true
}

// azureText returns the LinkID of a private endpoint: a little-endian 32-bit number after its
// subtype.
func azureText(value string) (string, bool) {
	if len(value) != 1+azureLinkBytes || value[0] != azureLinkID {
		return "", false
	}
	return strconv.FormatUint(uint64(binary.LittleEndian.Uint32([]byte(value[1:]))), 10), true
}

// gcpText returns the identifier of a Private Service Connect connection: a big-endian 64-bit
// number.
func gcpText(value string) (string, bool) {
	if len(value) != gcpBytes {
		return "", false
	}
	return strconv.FormatUint(binary.BigEndian.Uint64([]byte(value)), 10), true
}
