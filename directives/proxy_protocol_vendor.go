package directives

import (
	"weir/directives/conf"
	"weir/stream/modules/ppvendor"
)

// proxyProtocolVendorModule is ngx_stream_proxy_protocol_vendor_module, which has variables and no directives.
var proxyProtocolVendorModule = &conf.Module[struct{}]{
	Name: "ngx_stream_proxy_protocol_vendor_module",
	Vars: ppvendor.Variables(),
}
