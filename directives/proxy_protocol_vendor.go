package directives

import (
	"weir/stream/modules/ppvendor"
)

// proxyProtocolVendorModule is ngx_stream_proxy_protocol_vendor_module, which has variables and no directives.
var proxyProtocolVendorModule = &streamModule[none, none]{
	Name: "ngx_stream_proxy_protocol_vendor_module",
	Vars: ppvendor.Variables(),
}
