package directives

import "weir/directives/conf"

// modules is the table of contents: every module, in the order of nginx's own list. The order is behaviour: within a phase
// handlers run from the end of the list to its beginning, and settings are merged along it.
var modules = append([]conf.AnyModule{
	coreModule,
	eventsModule,
	mgmtModule,
	httpModule,
	mailModule,
	streamModule,
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
}, foreignModules()...)

// Counts says how many of nginx's directives weir supports, each counted once for every module that has it.
type Counts struct {
	Full    int // as nginx
	Inert   int // accepted and checked; nothing obeys them
	Refused int // known, and refused with a sentence that says so, or skipped with the block they stand in
	Total   int
}

// Coverage counts the directives of all modules, those that only weir has left out.
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
