//go:build linux

package main

import (
	"fmt"
)

// A variant is a condition under which a subject is measured. The zero variant is the empty case,
// to which the others are compared.
type variant struct {
	idle, servers, reloads, mapEntries int
}

// name returns the variant's name in tables, and the empty string for the empty case.
func (v variant) name() string {
	switch {
	case v.idle > 0:
		return fmt.Sprintf("%d idle sessions beside the load", v.idle)
	case v.servers > 0:
		return fmt.Sprintf("%d servers in the upstream group", v.servers)
	case v.reloads > 0:
		return fmt.Sprintf("after %d reloads", v.reloads)
	case v.mapEntries > 0:
		return fmt.Sprintf("a map of %d entries in the log line", v.mapEntries)
	}
	return ""
}

// variants returns the empty case and those that the options request. limit is the maximum number
// of descriptors of a process.
func (o *options) variants(limit uint64, notes *notes) []variant {
	all := []variant{{}}
	if n := o.idleBeside; n > 0 {
		if room := roomFor(limit); n > room {
			notes.add("%d idle sessions were asked for, %d fit: a proxy has two descriptors a session, and a process may have %d", n, room, limit)
			n = room
		}
		all = append(all, variant{idle: n})
	}
	for _, v := range []variant{{servers: o.servers}, {reloads: o.reloads}, {mapEntries: o.mapEntries}} {
		if v != (variant{}) {
			all = append(all, v)
		}
	}
	return all
}

// spare is the number of descriptors that a subject needs for itself and for the load in addition
// to idle sessions.
const spare = 2*(fanInSessions+stormAtOnce) + 200

// roomFor returns how many idle sessions fit in addition to a load.
func roomFor(limit uint64) int { return max(int(min(limit, 1<<20))-spare, 0) / 2 }

// baseServers is the number of servers in the group of the empty case.
const baseServers = 4

func (v variant) serverCount() int {
	if v.servers > 0 {
		return v.servers
	}
	return baseServers
}
