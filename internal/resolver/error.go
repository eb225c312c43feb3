package resolver

import "strconv"

// An Error says why a name has no address. Its text is nginx's, as it stands in parentheses: "3: Host not found".
type Error int

// The errors: the response codes of DNS, and that nobody has answered in time.
const (
	FormatError      Error = 1
	ServerFailure    Error = 2
	ErrNotFound      Error = 3
	Unimplemented    Error = 4
	OperationRefused Error = 5
	ErrTimedOut      Error = 110
)

// errorTexts are what ngx_resolver_strerror says.
var errorTexts = map[Error]string{
	FormatError:      "Format error",
	ServerFailure:    "Server failure",
	ErrNotFound:      "Host not found",
	Unimplemented:    "Unimplemented",
	OperationRefused: "Operation refused",
	ErrTimedOut:      "Operation timed out",
}

// Error is the number and its text.
func (e Error) Error() string { return strconv.Itoa(int(e)) + ": " + errorTexts[e] }

// errorOf is the Error for a response code; nginx takes those that it does not know for a format error.
func errorOf(code int) Error {
	if code > int(OperationRefused) {
		return FormatError
	}
	return Error(code)
}
