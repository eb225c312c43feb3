package limitconn

import "weir/stream"

// Status is the name of the variable that says how a session came through its limits.
const Status = "limit_conn_status"

// An outcome is what a session keeps for the variable.
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

// Variables are the variables of the module.
func Variables() []stream.Variable {
	return []stream.Variable{{Name: Status, Get: statusOf, NoCache: true}}
}

// statusOf is not found of a session that nothing has counted.
func statusOf(s *stream.Session) (string, bool) {
	o, ok := outcomes.Get(s)
	if !ok {
		return "", false
	}
	return [...]string{"PASSED", "REJECTED", "REJECTED_DRY_RUN"}[o], true
}
