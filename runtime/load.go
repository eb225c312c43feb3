package runtime

import (
	"runtime/debug"

	"weir/directives"
	"weir/directives/conf"
	"weir/parser"
	"weir/parser/diag"
)

// loadPercent is GOGC while a configuration is read. Nearly everything allocated then is kept until the
// end, so that collecting at the usual rate takes a quarter of the time and frees little.
const loadPercent = 200

// load calls directives.Load. A process reads one configuration at a time.
func load(src parser.Source, env *conf.Env) (*directives.Program, diag.List) {
	usual := debug.SetGCPercent(loadPercent)
	if usual < 0 || usual > loadPercent {
		debug.SetGCPercent(usual)
	}
	defer debug.SetGCPercent(usual)
	return directives.Load(src, env)
}
