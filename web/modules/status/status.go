// Package status answers with the state of the process: the API, metrics, and the counters of connections.
//
// See https://nginx.org/en/docs/http/ngx_http_api_module.html and
// https://nginx.org/en/docs/http/ngx_http_stub_status_module.html.
package status

import (
	"fmt"
	"net/http"
	"strconv"

	"weir/web"
)

// API answers with the API of the process.
type API struct {
	Write     bool
	RequestID int // the index of $request_id
}

// origins finds requests that a page of another site makes in a browser.
var origins = http.NewCrossOriginProtection()

// Serve implements web.Content. A body that is too large is answered by the server's page. A page of another site
// may not change anything through the browser of someone who has access.
func (c *API) Serve(r *web.Request) web.Outcome {
	if r.Env.API == nil {
		return web.Status(http.StatusNotFound)
	}
	if err := origins.Check(r.HTTP); err != nil {
		r.LogError("a page of another site may not change anything: " + err.Error())
		return web.Status(http.StatusForbidden)
	}
	w := r.Writer.Replacing(func(status int) bool { return status == http.StatusRequestEntityTooLarge })
	request := r.Body()
	id, _ := r.Value(c.RequestID)
	r.Env.API(w, request, web.APICall{
		Path: r.RestOfPath(r.PrefixLength()), Write: c.Write, BodyLimit: r.Location.Settings.BodyBuffer, RequestID: id,
	})
	return w.End()
}

// Metrics answers with metrics.
type Metrics struct{}

// Serve implements web.Content.
func (Metrics) Serve(r *web.Request) web.Outcome {
	if r.Env.Metrics == nil {
		return web.Status(http.StatusNotFound)
	}
	r.Env.Metrics(r.Writer, r.HTTP)
	return web.Done()
}

// Stub answers with a few counters as text.
type Stub struct{}

// Serve implements web.Content. It follows ngx_http_stub_status_handler.
func (Stub) Serve(r *web.Request) web.Outcome {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return web.Status(http.StatusMethodNotAllowed)
	}
	c := r.Env.Counters
	return r.Send(http.StatusOK, "text/plain", fmt.Sprintf(
		"Active connections: %d \nserver accepts handled requests\n %d %d %d \nReading: %d Writing: %d Waiting: %d \n",
		c.Active.Load(), c.Accepted.Load(), c.Handled.Load(), c.Requests.Load(), c.Reading.Load(), c.Current.Load(), c.Idle()))
}

// Variables are the variables of ngx_http_stub_status_module.
func Variables() []web.Variable {
	counters := map[string]func(*web.Counters) int64{
		"connections_active":  func(c *web.Counters) int64 { return c.Active.Load() },
		"connections_reading": func(c *web.Counters) int64 { return c.Reading.Load() },
		"connections_writing": func(c *web.Counters) int64 { return c.Current.Load() },
		"connections_waiting": func(c *web.Counters) int64 { return c.Idle() },
	}
	var all []web.Variable
	for name, get := range counters {
		all = append(all, web.Variable{Name: name, NoCache: true, Get: func(r *web.Request) (string, bool) {
			return strconv.FormatInt(get(r.Env.Counters), 10), true
		}})
	}
	return all
}

// Unsupported is content that another server would have, such as that of proxy_pass.
type Unsupported struct{}

// Serve implements web.Content.
func (Unsupported) Serve(*web.Request) web.Outcome { return web.Status(http.StatusBadGateway) }
