package resolver

import "strconv"

// An Error is the reason why a name has no address. Its text is nginx's, as in parentheses: "3:
// Host not found".
type Error int

// The errors: the DNS response codes, and the timeout.
const (
	FormatError      Error = 1
	ServerFailure    Error = 2
	ErrNotFound      Error = 3
	Unimplemented    Error = 4
	OperationRefused Error = 5
	ErrTimedOut      Error = 110
)

// errorTexts are the texts of ngx_resolver_strerror.
var errorTexts = map[Error]string{
	FormatError:      "Format error",
	ServerFailure:    "Server failure",
	ErrNotFound:      "Host not found",
	Unimplemented:    "Unimplemented",
	OperationRefused: "Operation refused",
	ErrTimedOut:      "Operation timed out",
}

// Error returns the number and its text.
func (e Error) Error() string { return strconv.Itoa(int(e)) + ": " + errorTexts[e] }

// errorOf returns the Error for a response code; an unknown code is a format error, as in nginx.
func errorOf(code int) Error {
	if code > int(OperationRefused) {
		return FormatError
	}
	return Error(code)
}
