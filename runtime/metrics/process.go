package metrics

import (
	"os"
	gometrics "runtime/metrics"
	"strconv"
	"strings"
	"syscall"
)

// goMetrics are the measurements of the Go runtime that are shown, under the names that Prometheus'
// client for Go has for them where there are some. None of them stops the program.
var goMetrics = []struct {
	name   string
	kind   kind
	help   string
	source string
}{
	{"go_goroutines", gauge, "Goroutines", "/sched/goroutines:goroutines"},
	{"go_sched_gomaxprocs_threads", gauge, "Threads that run Go code at the same time", "/sched/gomaxprocs:threads"},
	{"go_memstats_sys_bytes", gauge, "Memory obtained from the system", "/memory/classes/total:bytes"},
	{"go_memstats_heap_alloc_bytes", gauge, "Memory of objects", "/memory/classes/heap/objects:bytes"},
	{"go_memstats_heap_released_bytes", gauge, "Memory returned to the system", "/memory/classes/heap/released:bytes"},
	{"go_memstats_stack_inuse_bytes", gauge, "Memory of stacks", "/memory/classes/heap/stacks:bytes"},
	{"go_memstats_alloc_bytes_total", counter, "Memory allocated since the start", "/gc/heap/allocs:bytes"},
	{"go_gc_cycles_total", counter, "Collections of garbage", "/gc/cycles/total:gc-cycles"},
	{"go_gc_gomemlimit_bytes", gauge, "The limit of memory that the collector aims at", "/gc/gomemlimit:bytes"},
	{"go_cpu_gc_seconds_total", counter, "Processor time of the collector, an estimate", "/cpu/classes/gc/total:cpu-seconds"},
}

// goProcess writes the metrics of the process and of Go.
func (w *writer) goProcess(r Runtime) {
	samples := make([]gometrics.Sample, len(goMetrics))
	for i, m := range goMetrics {
		samples[i].Name = m.source
	}
	gometrics.Read(samples)
	for i, m := range goMetrics {
		switch v := samples[i].Value; v.Kind() {
		case gometrics.KindUint64:
			w.one(m.name, m.kind, m.help, v.Uint64())
		case gometrics.KindFloat64:
			w.family(m.name, m.kind, m.help)
			w.number(v.Float64())
		}
	}
	w.one("process_open_fds", gauge, "Open file descriptors", r.OpenDescriptors)
	w.one("process_max_fds", gauge, "The limit of open file descriptors", r.DescriptorsLimit)
	w.family("process_start_time_seconds", gauge, "When the process started")
	w.number(float64(r.Started.UnixMilli()) / 1000)
	w.resources()
}

// resources writes what the system counts for the process.
func (w *writer) resources() {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
		w.family("process_cpu_seconds_total", counter, "Processor time")
		w.number(seconds(u.Utime) + seconds(u.Stime))
	}
	if pages, ok := residentPages(); ok {
		w.one("process_resident_memory_bytes", gauge, "Resident memory", pages*uint64(os.Getpagesize()))
	}
}

func seconds(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }

// residentPages returns the pages of the process that are in memory, where the system shows them.
func residentPages() (uint64, bool) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, false
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, false
	}
	n, err := strconv.ParseUint(fields[1], 10, 64)
	return n, err == nil
}
