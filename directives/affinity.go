package directives

import (
	"runtime"
	"slices"

	"weir/directives/spec"
	"weir/parser"
	"weir/parser/diag"
)

// maxCPUs is how many processors a mask may name (CPU_SETSIZE).
const maxCPUs = 1024

// setAffinity checks worker_cpu_affinity, which has no workers to act on. It follows ngx_set_cpu_affinity.
func (c *coreConf) setAffinity(call *spec.Call) {
	masks := call.Args()
	auto := masks[0].Text == "auto"
	if auto {
		masks = masks[1:]
	}
	if auto && len(masks) > 1 {
		call.Fail(nil, "invalid number of arguments in \"worker_cpu_affinity\" directive")
		return
	}
	for i := range masks {
		if !checkMask(call, &masks[i]) {
			return
		}
	}
	if !auto {
		c.masks = len(masks)
	}
}

// checkMask reads a mask from its end, as nginx does.
func checkMask(call *spec.Call, mask *parser.Word) bool {
	if len(mask.Text) > maxCPUs {
		call.Fail(mask, "\"worker_cpu_affinity\" supports up to %d CPUs only", maxCPUs)
		return false
	}
	for _, c := range slices.Backward([]byte(mask.Text)) {
		if c != '0' && c != '1' && c != ' ' {
			call.Fail(mask, "invalid character \"%s\" in \"worker_cpu_affinity\"", []byte{c})
			return false
		}
	}
	return true
}

// warnOfMasks says that there are more workers than masks, or fewer.
func (c *coreConf) warnOfMasks(compiler *spec.Compiler) {
	workers := c.workers.Or(1)
	if workers == 0 {
		workers = runtime.NumCPU()
	}
	if c.masks > 1 && c.masks != workers {
		compiler.ReportLate(diag.Warn, "the number of \"worker_processes\" is not equal to the number of \"worker_cpu_affinity\" masks, "+
			"using last mask for remaining worker processes")
	}
}
