// Package ppvendor tells what cloud platforms say of a connection in TLVs of their own in the PROXY header.
package ppvendor

import (
	"encoding/binary"
	"strconv"

	"weir/stream"
)

// The types of the TLVs, as stream's headers name them, and the subtypes with which two of them begin.
const (
	gcpType   = "0xe0"
	awsType   = "0xea"
	azureType = "0xee"

	awsEndpointID  = 1
	azureLinkID    = 1
	azureLinkBytes = 4
	gcpBytes       = 8
)

// Variables are those of ngx_stream_proxy_protocol_vendor_module. They are not found without a PROXY header, without the platform's
// TLV in it, and where that is not as its platform documents it.
//
// See https://nginx.org/en/docs/stream/ngx_stream_proxy_protocol_vendor_module.html.
func Variables() []stream.Variable {
	return []stream.Variable{
		{Name: "proxy_protocol_tlv_aws_vpce_id", Get: tlv(awsType, awsText)},
		{Name: "proxy_protocol_tlv_azure_pel_id", Get: tlv(azureType, azureText)},
		{Name: "proxy_protocol_tlv_gcp_conn_id", Get: tlv(gcpType, gcpText)},
	}
}

// tlv makes a variable of what text makes of a TLV's value.
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

// awsText is the identifier of a VPC endpoint, which is sent as text behind its subtype.
func awsText(value string) (string, bool) {
	if value == "" || value[0] != awsEndpointID {
		return "", false
	}
	return value[1:], true
}

// azureText is the LinkID of a private endpoint: a number of 32 bits, its lowest byte first, behind its subtype.
func azureText(value string) (string, bool) {
	if len(value) != 1+azureLinkBytes || value[0] != azureLinkID {
		return "", false
	}
	return strconv.FormatUint(uint64(binary.LittleEndian.Uint32([]byte(value[1:]))), 10), true
}

// gcpText is the identifier of a connection by Private Service Connect: a number of 64 bits, its highest byte first.
func gcpText(value string) (string, bool) {
	if len(value) != gcpBytes {
		return "", false
	}
	return strconv.FormatUint(binary.BigEndian.Uint64([]byte(value)), 10), true
}
