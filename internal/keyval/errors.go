package keyval

import "fmt"

// An Error is an answer of the API to a change that is refused.
type Error struct {
	Status int    // of HTTP
	Code   string // such as "KeyvalFormatError"
	Text   string
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// Is reports whether target has the same code and text, so that errors.Is works with the variables of
// this package.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && *t == *e
}

const formatError = "KeyvalFormatError"

// The errors whose text does not depend on a key or a zone.
var (
	ErrJSON          = &Error{415, "JsonError", "json error"}                    // the body is not JSON
	ErrFormat        = &Error{400, formatError, "invalid JSON"}                  // it is JSON of another form
	ErrKeyFormat     = &Error{400, formatError, "invalid key format"}            // the key is no address or network
	ErrKeyRequired   = &Error{400, formatError, "key required"}                  // there is no key, or an empty one
	ErrNoTimeout     = &Error{400, formatError, "keyval timeout is not enabled"} // the zone has no timeout
	ErrOneKeyAdded   = &Error{400, formatError, "only one key can be added"}     // the zone is not empty
	ErrOneKeyUpdated = &Error{400, formatError, "only one key can be updated"}   // a PATCH has several keys
	ErrNested        = &Error{400, formatError, "nested object or list"}         // a value is not a scalar
	ErrKeyNotFound   = &Error{404, "KeyvalKeyNotFound", "keyval key not found"}  // the zone does not have the key
)

func errKeyExists(key string) *Error {
	return &Error{409, "KeyvalKeyExists", fmt.Sprintf("key \"%s\" already exists", key)}
}

func errFull(zone string) *Error {
	return &Error{400, "KeyvalOutOfMemory", fmt.Sprintf("keyval \"%s\" memory exhausted", zone)}
}
