package api

import (
	"strconv"
	"time"
)

// A nginx is the object /nginx.
type nginx struct {
	Process
	address string
}

var nginxObject = object[nginx]{
	text("version", func(n *nginx) string { return n.Version }),
	text("build", func(n *nginx) string { return n.Build }),
	text("address", func(n *nginx) string { return n.address }),
	number("generation", func(n *nginx) uint64 { return n.Generation }),
	moment("load_timestamp", millisFormat, func(n *nginx) time.Time { return n.Loaded }),
	moment("timestamp", millisFormat, func(n *nginx) time.Time { return n.Now }),
	number("pid", func(n *nginx) int { return n.PID }),
	number("ppid", func(n *nginx) int { return n.PPID }),
}

var processesObject = object[uint64]{number("respawned", func(n *uint64) uint64 { return *n })}

var connectionsObject = object[Connections]{
	number("accepted", func(c *Connections) uint64 { return c.Accepted }),
	number("dropped", func(c *Connections) uint64 { return c.Dropped }),
	number("active", func(c *Connections) uint64 { return c.Active }),
	number("idle", func(c *Connections) uint64 { return c.Idle }),
}

var requestsObject = object[Requests]{
	number("total", func(r *Requests) uint64 { return r.Total }),
	number("current", func(r *Requests) uint64 { return r.Current }),
}

// The members of the objects with counters of handshakes.
var (
	handshakes       = number("handshakes", func(s *SSL) uint64 { return s.Handshakes })
	sessionReuses    = number("session_reuses", func(s *SSL) uint64 { return s.SessionReuses })
	handshakesFailed = number("handshakes_failed", func(s *SSL) uint64 { return s.HandshakesFailed })
	noCommonProtocol = number("no_common_protocol", func(s *SSL) uint64 { return s.NoCommonProtocol })
	noCommonCipher   = number("no_common_cipher", func(s *SSL) uint64 { return s.NoCommonCipher })
	handshakeTimeout = number("handshake_timeout", func(s *SSL) uint64 { return s.HandshakeTimeout })
	peerRejectedCert = number("peer_rejected_cert", func(s *SSL) uint64 { return s.PeerRejectedCert })

	noCert           = number("no_cert", func(s *SSL) uint64 { return s.VerifyFailures.NoCert })
	expiredCert      = number("expired_cert", func(s *SSL) uint64 { return s.VerifyFailures.ExpiredCert })
	revokedCert      = number("revoked_cert", func(s *SSL) uint64 { return s.VerifyFailures.RevokedCert })
	hostnameMismatch = number("hostname_mismatch", func(s *SSL) uint64 { return s.VerifyFailures.HostnameMismatch })
	otherFailure     = number("other", func(s *SSL) uint64 { return s.VerifyFailures.Other })
)

// The objects with counters of handshakes: of the process, a server and a peer. Until version 7 that of
// the process has three counters in another order.
var (
	processSSL = object[SSL]{
		handshakes, handshakesFailed.to(7), sessionReuses, handshakesFailed.from(8),
		noCommonProtocol.from(8), noCommonCipher.from(8), handshakeTimeout.from(8), peerRejectedCert.from(8),
		group("verify_failures", object[SSL]{noCert, expiredCert, revokedCert, hostnameMismatch, otherFailure}).from(8),
	}
	serverSSL = object[SSL]{
		handshakes, sessionReuses, handshakesFailed, noCommonProtocol, noCommonCipher, handshakeTimeout, peerRejectedCert,
		group("verify_failures", object[SSL]{noCert, expiredCert, revokedCert, otherFailure}),
	}
	peerSSL = object[SSL]{
		handshakes, sessionReuses, handshakesFailed, noCommonProtocol, handshakeTimeout, peerRejectedCert,
		group("verify_failures", object[SSL]{expiredCert, revokedCert, hostnameMismatch, otherFailure}),
	}
)

var slabObject = object[Slab]{
	group("pages", object[Slab]{
		number("used", func(s *Slab) uint64 { return s.Used }),
		number("free", func(s *Slab) uint64 { return s.Free }),
	}),
	{name: "slots", encode: func(e *encoder, s *Slab) {
		e.open('{')
		for i := range s.Slots {
			e.key(strconv.Itoa(s.Slots[i].Size))
			slotObject.encode(e, &s.Slots[i], fields{})
		}
		e.close('}')
	}},
}

var slotObject = object[Slot]{
	number("used", func(s *Slot) uint64 { return s.Used }),
	number("free", func(s *Slot) uint64 { return s.Free }),
	number("reqs", func(s *Slot) uint64 { return s.Reqs }),
	number("fails", func(s *Slot) uint64 { return s.Fails }),
}

var workerObject = object[Worker]{
	number("id", func(w *Worker) int { return w.ID }),
	number("pid", func(w *Worker) int { return w.PID }),
	child("connections", connectionsObject, func(w *Worker) *Connections { return &w.Connections }),
	group("http", object[Worker]{
		child("requests", requestsObject, func(w *Worker) *Requests { return &w.Requests }),
	}),
}

var licenseObject = object[License]{
	flag("eval", func(l *License) bool { return l.Eval }),
	number("active_till", func(l *License) int64 { return l.ActiveTill.Unix() }),
	group("reporting", object[License]{
		flag("healthy", func(l *License) bool { return l.Healthy }),
		number("fails", func(l *License) uint64 { return l.Fails }),
		number("grace", func(l *License) int64 { return int64(l.Grace / time.Second) }),
		text("uuid", func(l *License) string { return l.UUID }),
	}),
}

var resolverObject = object[Resolver]{
	group("requests", object[Resolver]{
		number("name", func(r *Resolver) uint64 { return r.Name }),
		number("srv", func(r *Resolver) uint64 { return r.Srv }),
		number("addr", func(r *Resolver) uint64 { return r.Addr }),
	}),
	group("responses", object[Resolver]{
		number("noerror", func(r *Resolver) uint64 { return r.Noerror }),
		number("formerr", func(r *Resolver) uint64 { return r.Formerr }),
		number("servfail", func(r *Resolver) uint64 { return r.Servfail }),
		number("nxdomain", func(r *Resolver) uint64 { return r.Nxdomain }),
		number("notimp", func(r *Resolver) uint64 { return r.Notimp }),
		number("refused", func(r *Resolver) uint64 { return r.Refused }),
		number("timedout", func(r *Resolver) uint64 { return r.Timedout }),
		number("unknown", func(r *Resolver) uint64 { return r.UnknownResults }),
	}),
}

// The members of the objects of http zones.
var (
	httpProcessing = number("processing", func(z *HTTPZone) uint64 { return z.Processing })
	httpRequests   = number("requests", func(z *HTTPZone) uint64 { return z.Requests })
	httpResponses  = group("responses", object[HTTPZone]{
		number("1xx", func(z *HTTPZone) uint64 { return z.Classes[0] }),
		number("2xx", func(z *HTTPZone) uint64 { return z.Classes[1] }),
		number("3xx", func(z *HTTPZone) uint64 { return z.Classes[2] }),
		number("4xx", func(z *HTTPZone) uint64 { return z.Classes[3] }),
		number("5xx", func(z *HTTPZone) uint64 { return z.Classes[4] }),
		numbers("codes", (*HTTPZone).eachCode).from(7),
		number("total", (*HTTPZone).responses),
	})
	httpDiscarded = number("discarded", func(z *HTTPZone) uint64 { return z.Discarded })
	httpReceived  = number("received", func(z *HTTPZone) uint64 { return z.Received })
	httpSent      = number("sent", func(z *HTTPZone) uint64 { return z.Sent })
	httpSSL       = child("ssl", serverSSL, func(z *HTTPZone) *SSL { return z.SSL }).from(8)

	httpZoneObject = object[HTTPZone]{
		httpProcessing, httpRequests, httpResponses, httpDiscarded, httpReceived, httpSent, httpSSL,
	}
	locationZoneObject = object[HTTPZone]{httpRequests, httpResponses, httpDiscarded, httpReceived, httpSent}
)

// eachCode calls add for each status.
func (z *HTTPZone) eachCode(add func(string, uint64)) {
	for _, c := range z.Codes {
		add(strconv.Itoa(c.Status), c.Count)
	}
}

// responses returns the number of all responses.
func (z *HTTPZone) responses() (total uint64) {
	for _, n := range z.Classes {
		total += n
	}
	return total
}

var streamZoneObject = object[StreamZone]{
	number("processing", func(z *StreamZone) uint64 { return z.Processing }),
	number("connections", func(z *StreamZone) uint64 { return z.Connections }),
	child("sessions", object[Sessions]{
		number("2xx", func(s *Sessions) uint64 { return s.Class2 }),
		number("4xx", func(s *Sessions) uint64 { return s.Class4 }),
		number("5xx", func(s *Sessions) uint64 { return s.Class5 }),
		number("total", func(s *Sessions) uint64 { return s.Total }),
	}, func(z *StreamZone) *Sessions { return &z.Sessions }),
	number("discarded", func(z *StreamZone) uint64 { return z.Discarded }),
	number("received", func(z *StreamZone) uint64 { return z.Received }),
	number("sent", func(z *StreamZone) uint64 { return z.Sent }),
	child("ssl", serverSSL, func(z *StreamZone) *SSL { return z.SSL }).from(8),
}

var limitConnObject = object[LimitConn]{
	number("passed", func(l *LimitConn) uint64 { return l.Passed }),
	number("rejected", func(l *LimitConn) uint64 { return l.Rejected }),
	number("rejected_dry_run", func(l *LimitConn) uint64 { return l.RejectedDryRun }),
}

var groupObject = object[Group]{
	list("peers", peerObject, func(g *Group) []Peer { return g.Peers }),
	number("zombies", func(g *Group) uint64 { return g.Zombies }),
	text("zone", func(g *Group) string { return g.Zone }),
}

var peerObject = object[Peer]{
	number("id", func(p *Peer) int { return p.ID }),
	text("server", func(p *Peer) string { return p.Server }),
	optionalText("service", func(p *Peer) string { return p.Service }),
	text("name", func(p *Peer) string { return p.Name }),
	flag("backup", func(p *Peer) bool { return p.Backup }),
	number("weight", func(p *Peer) int { return p.Weight }),
	text("state", func(p *Peer) string { return p.State }),
	number("active", func(p *Peer) uint64 { return p.Active }),
	child("ssl", peerSSL, func(p *Peer) *SSL { return p.SSL }).from(8),
	number("max_conns", func(p *Peer) int { return p.MaxConns }).when(func(p *Peer) bool { return p.MaxConns != 0 }),
	number("connections", func(p *Peer) uint64 { return p.Connections }),
	average("connect_time", func(p *Peer) *Millis { return &p.ConnectTime }),
	average("first_byte_time", func(p *Peer) *Millis { return &p.FirstByteTime }),
	average("response_time", func(p *Peer) *Millis { return &p.ResponseTime }),
	number("sent", func(p *Peer) uint64 { return p.Sent }),
	number("received", func(p *Peer) uint64 { return p.Received }),
	number("fails", func(p *Peer) uint64 { return p.Fails }),
	number("unavail", func(p *Peer) uint64 { return p.Unavail }),
	child("health_checks", object[Health]{
		number("checks", func(h *Health) uint64 { return h.Checks }),
		number("fails", func(h *Health) uint64 { return h.Fails }),
		number("unhealthy", func(h *Health) uint64 { return h.Unhealthy }),
		flag("last_passed", func(h *Health) bool { return *h.LastPassed }).
			when(func(h *Health) bool { return h.LastPassed != nil }),
	}, func(p *Peer) *Health { return &p.Health }),
	number("downtime", func(p *Peer) int64 { return p.Downtime.Milliseconds() }),
	moment("downstart", millisFormat, func(p *Peer) time.Time { return p.Downstart }),
	moment("selected", secondFormat, func(p *Peer) time.Time { return p.Selected }),
}

// average makes a member for an average time, absent before it has been measured.
func average(name string, get func(*Peer) *Millis) member[Peer] {
	return number(name, func(p *Peer) uint64 { return get(p).Value }).when(func(p *Peer) bool { return get(p).Measured })
}

// Until version 2 the times are numbers of seconds.
var serverObject = object[GroupServer]{
	number("id", func(s *GroupServer) int { return s.ID }),
	text("server", func(s *GroupServer) string { return s.Address }),
	optionalText("service", func(s *GroupServer) string { return s.Service }),
	number("weight", func(s *GroupServer) int { return s.Weight }),
	number("max_conns", func(s *GroupServer) int { return s.MaxConns }),
	number("max_fails", func(s *GroupServer) int { return s.MaxFails }),
	number("fail_timeout", func(s *GroupServer) int64 { return wholeSeconds(s.FailTimeout) }).to(2),
	text("fail_timeout", func(s *GroupServer) string { return s.FailTimeout }).from(3),
	number("slow_start", func(s *GroupServer) int64 { return wholeSeconds(s.SlowStart) }).to(2),
	text("slow_start", func(s *GroupServer) string { return s.SlowStart }).from(3),
	flag("backup", func(s *GroupServer) bool { return s.Backup }),
	flag("down", func(s *GroupServer) bool { return s.Down }),
	flag("drain", func(s *GroupServer) bool { return s.Drain }).when(func(s *GroupServer) bool { return s.Drain }),
	text("parent", func(s *GroupServer) string { return strconv.Itoa(*s.Parent) }).
		when(func(s *GroupServer) bool { return s.Parent != nil }),
	optionalText("host", func(s *GroupServer) string { return s.Host }),
}

var zoneSyncObject = object[ZoneSync]{
	group("status", object[ZoneSync]{
		number("nodes_online", func(z *ZoneSync) uint64 { return z.NodesOnline }),
		number("msgs_in", func(z *ZoneSync) uint64 { return z.MsgsIn }),
		number("msgs_out", func(z *ZoneSync) uint64 { return z.MsgsOut }),
		number("bytes_in", func(z *ZoneSync) uint64 { return z.BytesIn }),
		number("bytes_out", func(z *ZoneSync) uint64 { return z.BytesOut }),
	}),
	{name: "zones", encode: func(e *encoder, z *ZoneSync) {
		e.open('{')
		for i := range z.Zones {
			e.key(z.Zones[i].Name)
			syncZoneObject.encode(e, &z.Zones[i], fields{})
		}
		e.close('}')
	}},
}

var syncZoneObject = object[SyncZone]{
	number("records_total", func(z *SyncZone) uint64 { return z.Total }),
	number("records_pending", func(z *SyncZone) uint64 { return z.Pending }),
}
