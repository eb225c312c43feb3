package runtime

import (
	goruntime "runtime"

	"weir/directives"
	"weir/stream"
	"weir/stream/driver/epoll"
	"weir/stream/driver/udp"
)

// newDriver returns the epoll driver, with one loop per worker_processes, and the number of loops: auto
// uses the processors that exist and that the CPU quota of the control group allows. The Go runtime gets
// two processors more than there are loops: each loop occupies one, and without spare ones the runtime's
// monitor would take them away.
func newDriver(env *stream.Env, main *directives.Main, limits groupLimits) (stream.Driver, int, error) {
	loops := main.WorkerProcesses
	if loops == 0 {
		loops = limits.workers(goruntime.NumCPU())
	}
	goruntime.GOMAXPROCS(max(goruntime.GOMAXPROCS(0), loops+2))
	driver, err := epoll.New(env, epoll.Options{
		Loops: loops, Connections: main.WorkerConnections, CPUs: main.Affinity.Of, Workers: loops,
	})
	if err != nil {
		return nil, 0, err
	}
	datagrams := udp.New(env, udp.Options{Loops: loops, Connections: main.WorkerConnections})
	return drivers{driver, datagrams}, loops, nil
}
