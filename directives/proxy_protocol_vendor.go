package directives

import (
	"weir/directives/spec"
	"weir/stream/ppvendor"
)

// proxyProtocolVendorModule is ngx_stream_proxy_protocol_vendor_module, which has variables and no directives.
var proxyProtocolVendorModule = &spec.Module[struct{}]{
	Name: "ngx_stream_proxy_protocol_vendor_module",
	Vars: ppvendor.Variables(),
}
