package upstream

import "fmt"

// An EditError is the reason why a change of a group is refused, as the API reports it.
type EditError struct {
	Status int // of HTTP
	Code   string
	Text   string
}

// Error returns the text.
func (e *EditError) Error() string { return e.Text }

const (
	badRequest = 400
	notFound   = 404
	conflict   = 409
)

// ErrStatic is the error of a change of a group without a zone.
var ErrStatic = &EditError{badRequest, "UpstreamStatic", "upstream is static"}

func errServerNotFound(id int) *EditError {
	return &EditError{notFound, "UpstreamServerNotFound", fmt.Sprintf("server with ID \"%d\" does not exist", id)}
}

func errMissingServer() *EditError {
	return &EditError{badRequest, "UpstreamConfFormatError", "missing \"server\" argument"}
}

// ErrBadMember returns the error of a member of a request whose value has the wrong type or must not
// change.
func ErrBadMember(name string) *EditError {
	return &EditError{badRequest, "UpstreamConfFormatError", fmt.Sprintf("invalid \"%s\" value", name)}
}

// ErrBadAddress returns the error of an address that cannot be parsed for the given reason.
func ErrBadAddress(reason error) *EditError {
	return errAddress("\"%v\" while parsing", reason)
}

func errAddress(format string, value any) *EditError {
	return &EditError{badRequest, "UpstreamBadAddress", fmt.Sprintf(format, value)}
}

// A Parameter is a parameter of a server with a value.
type Parameter string

// The parameters.
const (
	Weight      Parameter = "weight"
	MaxConns    Parameter = "max_conns"
	MaxFails    Parameter = "max_fails"
	FailTimeout Parameter = "fail_timeout"
	SlowStart   Parameter = "slow_start"
)

var parameterCodes = map[Parameter]string{
	Weight: "UpstreamBadWeight", MaxConns: "UpstreamBadMaxConns", MaxFails: "UpstreamBadMaxFails",
	FailTimeout: "UpstreamBadFailTimeout", SlowStart: "UpstreamBadSlowStart",
}

// ErrBadValue returns the error of an invalid value of a parameter.
func ErrBadValue(p Parameter) *EditError {
	return &EditError{badRequest, parameterCodes[p], fmt.Sprintf("invalid \"%s\"", string(p))}
}

// ErrEmptyService is the error of an empty service.
var ErrEmptyService = &EditError{badRequest, "UpstreamBadService", "\"service\" is empty"}

var (
	errNoResolver = &EditError{badRequest, "UpstreamConfNoResolver", "no resolver defined to resolve"}
	errExists     = &EditError{conflict, "EntryExists", "entry exists"}
)

func (g *Group) errNoBackup() *EditError {
	return &EditError{badRequest, "UpstreamNoBackup", fmt.Sprintf("upstream \"%s\" has no backup", g.Name)}
}

func (g *Group) errOutOfMemory() *EditError {
	return &EditError{badRequest, "UpstreamOutOfMemory", fmt.Sprintf("upstream \"%s\" memory exhausted", g.Name)}
}

func errImmutable(format string, id int) *EditError {
	return &EditError{badRequest, "UpstreamServerImmutable", fmt.Sprintf(format, id)}
}

func errWeightImmutable(id int) *EditError {
	return &EditError{badRequest, "UpstreamServerWeightImmutable", fmt.Sprintf("server \"%d\" weight is immutable", id)}
}
