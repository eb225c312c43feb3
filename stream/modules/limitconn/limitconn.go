// Package limitconn limits the number of concurrent sessions under a key, such as the client's
// address.
//
// See https://nginx.org/en/docs/stream/ngx_stream_limit_conn_module.html.
package limitconn

import (
	"fmt"

	"weir/internal/errorlog"
	"weir/internal/zone"
	"weir/stream"
)

// A Limit is the maximum number of sessions under one key of a zone.
type Limit struct {
	Zone  *Zone
	Conns int
}

// Handler counts the session in each of its zones in the pre-access phase, until the session ends.
// It is immutable once in use.
type Handler struct {
	Limits []Limit
	DryRun bool           // sessions above a limit are allowed
	Level  errorlog.Level // the log level for a session above a limit
	// Report is set if $limit_conn_status is used.
	Report bool
}

// maxKey is the maximum length of a key in nginx's zones.
const maxKey = 255

// usualLimits is the number of zones that need no allocation.
const usualLimits = 4

// Handle ends the session with 503 if one of its keys is at its limit, or is new in a full zone.
// Then, also in a dry run, the session is counted in no zone. An empty key is not counted, nor is
// one that is too long. It follows ngx_stream_limit_conn_handler.
func (h *Handler) Handle(s *stream.Session) (stream.Verdict, error) {
	var room [usualLimits]place
	taken, ok := h.take(s, room[:0])
	if ok {
		for _, p := range taken {
			p.zone.Status.Passed()
			s.Hold(p.entry)
		}
		return stream.Next, nil
	}
	if h.DryRun {
		h.report(s, rejectedDryRun)
		return stream.Next, nil
	}
	h.report(s, rejected)
	return stream.Verdict(stream.StatusUnavailable), nil
}

// A place is a session's place in a zone.
type place struct {
	zone  *Zone
	entry *zone.Entry
}

// take appends a place to taken for each key that must be counted. If one is refused, ok is false
// and the others have been released, as they are if evaluating a key panics.
func (h *Handler) take(s *stream.Session, taken []place) (all []place, ok bool) {
	defer func() {
		if !ok {
			release(taken)
		}
	}()
	for i := range h.Limits {
		z := h.Limits[i].Zone
		key := z.Variable.Eval(s)
		if key == "" {
			continue
		}
		if len(key) > maxKey {
			s.Log(stream.LevelError, fmt.Sprintf("the value of the \"%s\" key is more than 255 bytes: \"%s\"", z.Variable.Text(), errorlog.Quote(key)), nil)
			continue
		}
		h.report(s, passed)
		e, result := z.table.Take(key, h.Limits[i].Conns)
		if result != zone.Taken {
			z.Status.Rejected(h.DryRun)
			h.logRefusal(s, z, result)
			return nil, false
		}
		taken = append(taken, place{z, e})
	}
	return taken, true
}

func release(taken []place) {
	for _, p := range taken {
		p.entry.Release()
	}
}

// logRefusal logs why the session was refused. As in nginx, a full zone is logged without the
// session's context.
func (h *Handler) logRefusal(s *stream.Session, z *Zone, result zone.Result) {
	if result == zone.Full {
		s.Env.Log.Write(stream.LevelCrit, 0, "ngx_slab_alloc() failed: no memory in limit_conn_zone \""+z.Name+"\"")
		return
	}
	if !s.LogEnabled(h.Level) {
		return
	}
	dryRun := ""
	if h.DryRun {
		dryRun = ", dry run,"
	}
	s.Log(h.Level, "limiting connections"+dryRun+" by zone \""+z.Name+"\"", nil)
}
