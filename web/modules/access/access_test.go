package access_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"weir/stream"
	"weir/web"
	"weir/web/modules/access"
	"weir/web/webtest"
)

// hello answers with a short text.
type hello struct{}

func (hello) Serve(r *web.Request) web.Outcome { return r.Send(http.StatusOK, "text/plain", "hello") }

// judge is a decision about all clients.
type judge struct{ deny, found bool }

func (j judge) Judge(stream.Addr) (deny, found bool) { return j.deny, j.found }

var (
	allowed = access.Checker{Rules: judge{false, true}}
	denied  = access.Checker{Rules: judge{true, true}}
	nothing = access.Checker{Rules: judge{}}
)

// user is a check that asks for a user, as auth_basic does.
type user bool

func (u user) Check(r *web.Request) int {
	if u {
		return http.StatusOK
	}
	r.Writer.Header().Set("WWW-Authenticate", "Basic")
	return http.StatusUnauthorized
}

// TestSatisfy checks the combinations of satisfy with the results of two checks.
func TestSatisfy(t *testing.T) {
	for _, tt := range []struct {
		first, second web.Checker
		all, any      int
	}{
		{allowed, user(true), 200, 200},
		{allowed, user(false), 401, 200},
		{denied, user(true), 403, 200},
		{denied, user(false), 403, 401},
		{nothing, user(true), 200, 200},
		{nothing, user(false), 401, 401},
		{nothing, nothing, 200, 200},
		{user(false), denied, 401, 403},
		{user(true), denied, 403, 200},
		{user(false), allowed, 401, 200},
		{allowed, denied, 403, 200},
		{access.Closed{By: "auth_jwt"}, allowed, 403, 200},
	} {
		for any, want := range map[bool]int{false: tt.all, true: tt.any} {
			s := webtest.New(t, hello{})
			s.Base.Access, s.Base.AnyAccess = []web.Checker{tt.first, tt.second}, any
			got := s.Do("/")
			what := fmt.Sprintf("%#v, %#v, any %v", tt.first, tt.second, any)
			if got.Status != want {
				t.Errorf("%s: got %d, want %d", what, got.Status, want)
			}
			if got.Status == 200 && got.Get("WWW-Authenticate") != "" {
				t.Errorf("%s: a granted request asks for a user", what)
			}
		}
	}
}

// TestRefusalIsLogged checks that satisfy any does not log a rule that has refused a request which is granted.
func TestRefusalIsLogged(t *testing.T) {
	for _, tt := range []struct {
		first, second web.Checker
		any           bool
		want          string
	}{
		{denied, user(true), false, "[error] 1#1: *1 access forbidden by rule, client: 192.0.2.1"},
		{denied, user(true), true, ""},
		{user(false), denied, true, "[error] 1#1: *1 access forbidden by rule, client: 192.0.2.1"},
		{access.Closed{By: "auth_jwt"}, allowed, false, "access forbidden, because \"auth_jwt\" is not supported"},
	} {
		s := webtest.New(t, hello{})
		s.Base.Access, s.Base.AnyAccess = []web.Checker{tt.first, tt.second}, tt.any
		s.Do("/")
		if got := s.Logged(); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%#v, %#v: got %q, want %q", tt.first, tt.second, got, tt.want)
		}
	}
}
