package directives

import "weir/directives/conf"

// modules lists every module, in the order of nginx's own list. The order affects behaviour: within
// a phase handlers run from the end of the list to its beginning, and settings are merged in its
// order.
var modules = []conf.Module{
	coreModule,
	eventsModule,
	mgmtModule,
	httpBlockModule,
	mailModule,
	streamBlockModule,
	streamCoreModule,
	logModule,
	proxyModule,
	upstreamModule,
	sslModule,
	limitConnModule,
	accessModule,
	geoModule,
	geoipModule,
	mapModule,
	numMapModule,
	keyvalModule,
	splitClientsModule,
	returnModule,
	passModule,
	setModule,
	upstreamHcModule,
	sslPrereadModule,
	mqttPrereadModule,
	mqttFilterModule,
	zoneSyncModule,
	statusZoneModule,
	realipModule,
	proxyProtocolVendorModule,
	jsModule,
	geoip2Module,
	httpCoreModule,
	httpLogModule,
	httpStubStatusModule,
	httpIndexModule,
	httpAuthBasicModule,
	httpAccessModule,
	httpMapModule,
	httpSSLModule,
	httpRewriteModule,
	httpAPIModule,
	httpHeadersModule,
	prometheusModule,
}

// Counts is the number of nginx's directives at each level of support; a directive counts once for
// every module that has it.
type Counts struct {
	Full    int // as nginx
	Inert   int // accepted and validated, but without effect
	Refused int // known, and refused as not supported yet, or skipped with their block
	Total   int
}

// Coverage counts the directives of all modules, without those that only weir has.
func Coverage() Counts {
	var c Counts
	for _, row := range conf.Rows(modules) {
		if row.Extension {
			continue
		}
		c.Total++
		switch row.Support {
		case conf.Full:
			c.Full++
		case conf.Inert:
			c.Inert++
		default:
			c.Refused++
		}
	}
	return c
}
