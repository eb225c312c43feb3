// Package access allows or denies clients by their addresses.
//
// See https://nginx.org/en/docs/http/ngx_http_access_module.html.
package access

import (
	"net/http"

	"weir/stream"
	"weir/web"
)

// Rules are the rules of a location; Judge returns the decision of the first that matches.
type Rules interface {
	Judge(client stream.Addr) (deny, found bool)
}

// Checker applies rules.
type Checker struct {
	Rules Rules
}

// Check implements web.Checker.
func (c Checker) Check(r *web.Request) int {
	deny, found := c.Rules.Judge(r.Conn.Client)
	switch {
	case !found:
		return 0
	case !deny:
		return http.StatusOK
	}
	if !r.Location.AnyAccess {
		r.LogError("access forbidden by rule")
	}
	return http.StatusForbidden
}

// Closed refuses all requests, because a directive that would restrict access is not supported.
type Closed struct {
	By string // the directive
}

// Check implements web.Checker.
func (c Closed) Check(r *web.Request) int {
	r.LogError("access forbidden, because \"" + c.By + "\" is not supported")
	return http.StatusForbidden
}
