package directives

import (
	"weir/directives/conf"
	"weir/parser"
	"weir/web"
	"weir/web/modules/status"
)

// apiConf is the settings of a location, which are those of the core.
type apiConf struct{}

// httpAPIModule is ngx_http_api_module in http {}.
var httpAPIModule = &httpModule[none, apiZone, apiConf]{
	Name: "ngx_http_api_module",
	Server: []conf.Entry[apiZone]{
		{Name: "status_zone", In: conf.HTTPServer, Args: conf.Take(1), Set: func(_ *apiZone, call *conf.Call) {
			conf.At[httpServer](call.Level).zone = call.Arg(0)
		}},
	},
	Location: []conf.Entry[apiConf]{
		{Name: "api", In: conf.Location, Args: conf.Take(0, 1), Set: (*apiConf).set},
		{Name: "status_zone", In: conf.Location | conf.IfInLocation, Args: conf.Take(1), Set: func(_ *apiConf, call *conf.Call) {
			conf.At[httpLocation](call.Level).zone = call.Arg(0)
		}},
	},
}

// apiZone is the settings of a server, which are those of the core.
type apiZone struct{}

// set reads api [write=on|off].
func (c *apiConf) set(call *conf.Call) {
	write := false
	if len(call.Args()) == 1 {
		switch call.Arg(0) {
		case "write=on":
			write = true
		case "write=off":
		default:
			call.Fail(&call.Args()[0], "invalid parameter \"%s\"", call.Arg(0))
			return
		}
	}
	serveOwn(call, &status.API{Write: write, RequestID: webOf(call.Level).Vars.Index("request_id")})
}

// serveOwn makes content that nginx does not have the content of a location, so that its server is served in
// any case.
func serveOwn(call *conf.Call, c web.Content) {
	conf.At[httpServer](call.Level).own = true
	serveWebBy(call, func(*locationBuild) web.Content { return c })
}

// prometheusConf is the empty settings of prometheus.
type prometheusConf struct{}

// prometheusModule has the directive for metrics, which nginx does not have.
var prometheusModule = &httpModule[none, none, prometheusConf]{
	Name: "weir_http_prometheus_module",
	Location: []conf.Entry[prometheusConf]{
		{Name: "prometheus", In: conf.Location, Args: conf.None, Extension: true, Set: func(_ *prometheusConf, call *conf.Call) {
			serveOwn(call, status.Metrics{})
		}},
	},
}

// stubStatusConf is the empty settings of stub_status.
type stubStatusConf struct{}

// httpStubStatusModule is ngx_http_stub_status_module.
var httpStubStatusModule = &httpModule[none, none, stubStatusConf]{
	Name: "ngx_http_stub_status_module",
	Location: []conf.Entry[stubStatusConf]{
		{Name: "stub_status", In: conf.HTTPServer | conf.Location, Args: conf.Take(0, 1), Set: func(_ *stubStatusConf, call *conf.Call) {
			serveOwn(call, status.Stub{})
		}},
	},
	Vars: status.Variables(),
}

// metricsFunction is the function of the vendor's njs module for metrics.
const metricsFunction = "prometheus.metrics"

// jsContent serves the metrics of the vendor's recipe, js_content prometheus.metrics; other scripts are not
// supported.
func jsContent(call *conf.Call) {
	if len(call.Args()) > 0 && call.Arg(0) == metricsFunction {
		serveOwn(call, status.Metrics{})
		return
	}
	unsupportedContent(call)
}

// unsupportedContent notes that a directive makes content that is not supported.
func unsupportedContent(call *conf.Call) {
	server := conf.At[httpServer](call.Level)
	server.foreign = append(server.foreign, call)
	serveWebBy(call, func(*locationBuild) web.Content { return status.Unsupported{} })
}

// definesVariable returns the Set of a directive whose argument of that number is the name of a variable,
// which has no value.
func definesVariable(argument int) func(*conf.Call) {
	return func(call *conf.Call) {
		if len(call.Args()) > argument {
			defineAbsent(call, &call.Args()[argument])
		}
	}
}

// definesLast is definesVariable for the last argument.
func definesLast(call *conf.Call) {
	if n := len(call.Args()); n > 0 {
		defineAbsent(call, &call.Args()[n-1])
	}
}

// defineAbsent defines the variable that a word names.
func defineAbsent(call *conf.Call, word *parser.Word) {
	name, ok := variableName(call, word)
	if !ok {
		return
	}
	vars := webOf(call.Level).Vars
	if vars.Changeable(name) {
		return
	}
	if err := vars.Define(web.Variable{Name: name, Changeable: true, Get: absentValue}); err != nil {
		call.Fail(word, "%v", err)
	}
}

func absentValue(*web.Request) (string, bool) { return "", false }

// unsupportedAccess makes the location, and those in it, refuse all requests.
func unsupportedAccess(call *conf.Call) {
	if call.Arg(0) == "off" {
		return
	}
	conf.At[httpAccess](call.Level).closedBy = call
}

// otherAddresses notes that the addresses of clients would be replaced before the rules are applied.
func otherAddresses(call *conf.Call) { conf.At[httpAccess](call.Level).otherAddresses = call }
