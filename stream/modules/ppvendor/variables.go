// Package ppvendor provides the data that cloud platforms send about a connection in their own TLVs
// of the PROXY header.
package ppvendor

import (
	"weir/internal/proxyproto"
	"weir/stream"
)

// Variables returns the variables of ngx_stream_proxy_protocol_vendor_module. They are not found
// without a PROXY header, without the platform's TLV in it, or if the TLV is not as the platform
// documents it.
//
// See https://nginx.org/en/docs/stream/ngx_stream_proxy_protocol_vendor_module.html.
func Variables() []stream.Variable {
	var all []stream.Variable
	for _, v := range proxyproto.VendorTLVs {
		all = append(all, stream.Variable{Name: "proxy_protocol_tlv_" + v.Name, Get: func(s *stream.Session) (string, bool) {
			text, ok, err := v.Of(s.ProxyHeader)
			if err != nil {
				s.Log(stream.LevelError, err.Error(), nil)
			}
			return text, ok
		}})
	}
	return all
}
