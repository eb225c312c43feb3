package api

import (
	"errors"
	"fmt"
	"net/http"

	"weir/internal/keyval"
)

// An Error is an error object of the API.
type Error struct {
	Status int
	Code   string
	Text   string
}

func (e *Error) Error() string { return e.Text }

// The errors without variable parts.
var (
	errUnknownVersion       = &Error{http.StatusNotFound, "UnknownVersion", "unknown version"}
	errPathNotFound         = &Error{http.StatusNotFound, "PathNotFound", "path not found"}
	errStreamNotConfigured  = &Error{http.StatusNotFound, "StreamNotConfigured", "stream not configured"}
	errSyncNotConfigured    = &Error{http.StatusNotFound, "ZoneSyncNotConfigured", "zone_sync not configured"}
	errZoneNotFound         = &Error{http.StatusNotFound, "ServerZoneNotFound", "server zone not found"}
	errLocationZoneNotFound = &Error{http.StatusNotFound, "LocationZoneNotFound", "location zone not found"}
	errCacheNotFound        = &Error{http.StatusNotFound, "CacheNotFound", "cache not found"}
	errLimitConnNotFound    = &Error{http.StatusNotFound, "LimitConnNotFound", "limit_conn not found"}
	errLimitReqNotFound     = &Error{http.StatusNotFound, "LimitReqNotFound", "limit_req not found"}
	errKeyvalNotFound       = &Error{http.StatusNotFound, "KeyvalNotFound", "keyval not found"}
	errResolverZoneNotFound = &Error{http.StatusNotFound, "ResolverZoneNotFound", "resolver zone not found"}
	errSlabNotFound         = &Error{http.StatusNotFound, "SlabNotFound", "slab not found"}
	errWorkerNotFound       = &Error{http.StatusNotFound, "WorkerNotFound", "worker not found"}
	errMethodDisabled       = &Error{http.StatusMethodNotAllowed, "MethodDisabled", "method disabled"}
	errBadServerID          = &Error{http.StatusBadRequest, "UpstreamBadServerId", "invalid server ID"}
	errBodyRead             = &Error{http.StatusBadRequest, "BodyReadError", "reading request body failed"}
	errJSON                 = &Error{http.StatusUnsupportedMediaType, "JsonError", "json error"}

	// ErrUpstreamNotFound means that there is no group of that name.
	ErrUpstreamNotFound = &Error{http.StatusNotFound, "UpstreamNotFound", "upstream not found"}
	// ErrUpstreamStatic means that a group has no zone.
	ErrUpstreamStatic = &Error{http.StatusBadRequest, "UpstreamStatic", "upstream is static"}
	// ErrEntryExists means that a group has a server of that address.
	ErrEntryExists = &Error{http.StatusConflict, "EntryExists", "entry exists"}
)

// BadRequest returns an error of status 400.
func BadRequest(code, format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
}

// ServerNotFound returns the error for an ID that no server of a group has.
func ServerNotFound(id int) *Error {
	return &Error{http.StatusNotFound, "UpstreamServerNotFound", fmt.Sprintf("server with ID \"%d\" does not exist", id)}
}

// errorOf returns the error object for err.
func errorOf(err error) *Error {
	var own *Error
	var pair *keyval.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &pair):
		return &Error{pair.Status, pair.Code, pair.Text}
	}
	return &Error{http.StatusInternalServerError, "InternalError", err.Error()}
}
