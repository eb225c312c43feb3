package directives

import (
	"runtime"
	"slices"

	"weir/directives/conf"
	"weir/parser"
	"weir/parser/diag"
)

// maxCPUs is the number of processors that a mask can name (CPU_SETSIZE).
const maxCPUs = 1024

// An Affinity lists the processors on which each worker may run. The zero Affinity allows all of
// them.
//
// See https://nginx.org/en/docs/ngx_core_module.html#worker_cpu_affinity.
type Affinity struct {
	auto  bool
	masks [][]int // one list of processors for each worker; with auto, one list over which the workers are spread
}

// Of returns the processors of a worker, counted from 0; an empty list allows any. It follows
// ngx_get_cpu_affinity.
func (a *Affinity) Of(worker int) []int {
	switch {
	case len(a.masks) == 0:
		return nil
	case !a.auto:
		return a.masks[min(worker, len(a.masks)-1)]
	case len(a.masks[0]) == 0:
		return nil
	}
	return []int{a.masks[0][worker%len(a.masks[0])]}
}

// setAffinity follows ngx_set_cpu_affinity.
func (c *coreConf) setAffinity(call *conf.Call) {
	masks := call.Args()
	c.affinity.auto = masks[0].Text == "auto"
	if c.affinity.auto {
		masks = masks[1:]
	}
	if c.affinity.auto && len(masks) > 1 {
		call.Fail(nil, "invalid number of arguments in \"worker_cpu_affinity\" directive")
		return
	}
	for i := range masks {
		cpus, ok := readMask(call, &masks[i])
		if !ok {
			return
		}
		c.affinity.masks = append(c.affinity.masks, cpus)
	}
	if c.affinity.auto && len(masks) == 0 {
		c.affinity.masks = [][]int{allCPUs()}
	}
}

// allCPUs returns the processors of the machine.
func allCPUs() []int {
	all := make([]int, min(runtime.NumCPU(), maxCPUs))
	for i := range all {
		all[i] = i
	}
	return all
}

// readMask reads a mask from its end, which stands for the first processor.
func readMask(call *conf.Call, mask *parser.Word) (cpus []int, ok bool) {
	if len(mask.Text) > maxCPUs {
		call.Fail(mask, "\"worker_cpu_affinity\" supports up to %d CPUs only", maxCPUs)
		return nil, false
	}
	cpu := 0
	for _, c := range slices.Backward([]byte(mask.Text)) {
		switch c {
		case ' ':
			continue
		case '0':
		case '1':
			cpus = append(cpus, cpu)
		default:
			call.Fail(mask, "invalid character \"%s\" in \"worker_cpu_affinity\"", []byte{c})
			return nil, false
		}
		cpu++
	}
	return cpus, true
}

// warnOfMasks warns if the number of masks and the number of workers differ.
func (c *coreConf) warnOfMasks(compiler *conf.Compiler) {
	workers := c.workers.Or(1)
	if workers == 0 {
		workers = runtime.NumCPU()
	}
	if n := len(c.affinity.masks); !c.affinity.auto && n > 1 && n != workers {
		compiler.ReportLate(diag.Warn, "the number of \"worker_processes\" is not equal to the number of \"worker_cpu_affinity\" masks, "+
			"using last mask for remaining worker processes")
	}
}
