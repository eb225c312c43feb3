// Package ppvendor provides the data that cloud platforms send about a connection in their own TLVs
// of the PROXY header.
package ppvendor

import (
	"encoding/binary"
	"strconv"

	"weir/stream"
)

// The types of the TLVs, as the headers of package stream name them, and the subtypes with which
// two of them begin.
const (
	gcpType   = "0xe0"
	awsType   = "0xea"
	azureType = "0xee"

	awsEndpointID  = 1
	azureLinkID    = 1
	azureLinkBytes = 4
	gcpBytes       = 8
)

// Variables returns the variables of ngx_stream_proxy_protocol_vendor_module. They are not found
// without a PROXY header, without the platform's TLV in it, or if the TLV is not as the platform
// documents it.
//
// See https://nginx.org/en/docs/stream/ngx_stream_proxy_protocol_vendor_module.html.
func Variables() []stream.Variable {
	return []stream.Variable{
		{Name: "proxy_protocol_tlv_aws_vpce_id", Get: tlv(awsType, awsText)},
		{Name: "proxy_protocol_tlv_azure_pel_id", Get: tlv(azureType, azureText)},
		{Name: "proxy_protocol_tlv_gcp_conn_id", Get: tlv(gcpType, gcpText)},
	}
}

// tlv returns a variable that formats a TLV's value with text.
func tlv(kind string, text func(value string) (string, bool)) func(*stream.Session) (string, bool) {
	return func(s *stream.Session) (string, bool) {
		value, ok, err := s.ProxyHeader.TLV(kind)
		if err != nil {
			s.Log(stream.LevelError, err.Error(), nil)
		}
		if !ok {
			return "", false
		}
		return text(value)
	}
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
