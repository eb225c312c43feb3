package status_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"weir/web"
	"weir/web/modules/status"
	"weir/web/webtest"
)

// TestAPICall checks what a location passes on to the API, with the ID that the access log shows.
func TestAPICall(t *testing.T) {
	content := &status.API{Write: true}
	s := webtest.New(t, content)
	content.RequestID = s.Vars.Index("request_id")
	logged := ""
	s.Prefixes(func(at *web.Location) {
		at.Settings.BodyBuffer = 7
		at.Loggers = []web.Logger{logFunc(func(r *web.Request) { logged, _ = r.Value(content.RequestID) })}
	}, "/api")
	var got web.APICall
	s.Env.API = func(w http.ResponseWriter, _ *http.Request, call web.APICall) {
		got = call
		w.WriteHeader(http.StatusNotFound)
	}
	if answer := s.Do("/api/9/a%2Fb?c"); answer.Status != http.StatusNotFound {
		t.Errorf("got %d", answer.Status)
	}
	if want := (web.APICall{Path: "/9/a%2Fb", Write: true, BodyLimit: 7, RequestID: logged}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !regexp.MustCompile("^[0-9a-f]{32}$").MatchString(logged) {
		t.Errorf("the ID is %q", logged)
	}
}

// logFunc is a function as a logger.
type logFunc func(*web.Request)

func (f logFunc) Log(r *web.Request) { f(r) }

func TestAPIAnswers(t *testing.T) {
	s := webtest.New(t, &status.API{})
	s.Vars.Index("request_id")
	if got := s.Do("/"); got.Status != 404 {
		t.Errorf("got %d without an API", got.Status)
	}
	s.Env.API = func(w http.ResponseWriter, _ *http.Request, _ web.APICall) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	}
	if got := s.Do("POST /"); got.Status != 413 || !strings.Contains(got.Body, "<h1>413 Request Entity Too Large</h1>") {
		t.Errorf("got %d %q", got.Status, got.Body)
	}
	if got := s.Do("POST /", "Origin: https://other.example"); got.Status != 403 || !strings.Contains(s.Logged(), "a page of another site") {
		t.Errorf("got %d for a page of another site", got.Status)
	}
}

func TestStub(t *testing.T) {
	s := webtest.New(t, status.Stub{})
	c := s.Env.Counters
	c.Active.Store(7)
	c.Accepted.Store(9)
	c.Handled.Store(8)
	c.Reading.Store(1)
	c.Current.Store(2)
	const want = "Active connections: 7 \nserver accepts handled requests\n 9 8 1 \nReading: 1 Writing: 2 Waiting: 4 \n"
	if got := s.Do("/"); got.Body != want || got.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("got %q, want %q", got.Body, want)
	}
	if got := s.Do("POST /"); got.Status != 405 {
		t.Errorf("got %d for POST", got.Status)
	}
}

func TestVariables(t *testing.T) {
	s := webtest.New(t, status.Unsupported{})
	for _, v := range status.Variables() {
		if err := s.Vars.Define(v); err != nil {
			t.Fatal(err)
		}
	}
	shown := s.Template("$connections_active $connections_reading $connections_writing $connections_waiting")
	s.Base.Settings.Headers = []web.Header{{Name: "X-Counters", Value: shown, Always: true}}
	s.Env.Counters.Active.Store(6)
	s.Env.Counters.Reading.Store(1)
	s.Env.Counters.Current.Store(2)
	if got := s.Do("/"); got.Status != 502 || got.Header.Get("X-Counters") != "6 1 2 3" {
		t.Errorf("got %d, %q", got.Status, got.Header.Get("X-Counters"))
	}
}
