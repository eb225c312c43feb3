package upstream_test

import (
	"testing"

	"weir/stream"
	"weir/stream/upstream"
	"weir/stream/upstream/upstreamtest"
)

// methods lists all methods as a configuration would write them.
var methods = []struct {
	name string
	make func(key stream.Template) upstream.Method
}{
	{"round robin", func(stream.Template) upstream.Method { return upstream.RoundRobin }},
	{"hash KEY", upstream.Hash},
	{"hash KEY consistent", upstream.Consistent},
	{"hash KEY jump", upstream.Jump},
	{"least_conn", func(stream.Template) upstream.Method { return upstream.LeastConn }},
	{"random", func(stream.Template) upstream.Method { return upstream.Random }},
	{"least_time connect", leastTime(upstream.ToConnect, false)},
	{"least_time first_byte inflight", leastTime(upstream.ToFirstByte, true)},
	{"least_time last_byte inflight", leastTime(upstream.ToLastByte, true)},
	{"random two least_time", func(stream.Template) upstream.Method { return upstream.RandomTwoTimed(upstream.ToLastByte) }},
	{"random two", func(stream.Template) upstream.Method { return upstream.RandomTwo }},
}

func leastTime(by upstream.Measure, inflight bool) func(stream.Template) upstream.Method {
	return func(stream.Template) upstream.Method { return upstream.LeastTime(by, inflight) }
}

func TestContract(t *testing.T) {
	for _, m := range methods {
		t.Run(m.name, func(t *testing.T) {
			upstreamtest.Method(t, func(vars *stream.VarTable) upstream.Method { return m.make(template(t, "$remote_port", vars)) })
		})
		t.Run(m.name+" with an empty key", func(t *testing.T) {
			upstreamtest.Method(t, func(*stream.VarTable) upstream.Method { return m.make(stream.Template{}) })
		})
	}
}

func template(t *testing.T, text string, vars *stream.VarTable) stream.Template {
	t.Helper()
	tpl, err := stream.ParseTemplate(text, vars)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func fixed(t *testing.T, text string) stream.Template {
	t.Helper()
	return template(t, text, stream.NewVarTable())
}
