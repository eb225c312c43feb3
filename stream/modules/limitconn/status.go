package limitconn

import "weir/stream"

// Status is the name of the variable with the result of the session's limits.
const Status = "limit_conn_status"

// An outcome is the session's value for the variable.
type outcome uint8

const (
	passed outcome = iota
	rejected
	rejectedDryRun
)

var outcomes = stream.NewKey[outcome]()

func (h *Handler) report(s *stream.Session, o outcome) {
	if h.Report {
		outcomes.Set(s, o)
	}
}

// Variables returns the variables of the module.
func Variables() []stream.Variable {
	return []stream.Variable{{Name: Status, Get: statusOf, NoCache: true}}
}

// statusOf returns false if no limit applied to the session.
func statusOf(s *stream.Session) (string, bool) {
	o, ok := outcomes.Get(s)
	if !ok {
		return "", false
	}
	return [...]string{"PASSED", "REJECTED", "REJECTED_DRY_RUN"}[o], true
}
