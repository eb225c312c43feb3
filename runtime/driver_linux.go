package runtime

import (
	goruntime "runtime"

	"weir/directives"
	"weir/stream"
	"weir/stream/datagram"
	"weir/stream/loop"
	"weir/stream/pump"
)

// newDriver returns the epoll driver, with a loop for each of worker_processes, and how many these are: with auto as many as the
// processors and the quota of the control group allow. Sessions that need a handshake leave it for the pump. The Go runtime gets two processors more than there are loops: each loop keeps one to itself, and with none to
// spare the runtime's monitor would take them away.
func newDriver(env *stream.Env, main *directives.Main, limits groupLimits) (stream.Driver, int, error) {
	loops := main.WorkerProcesses
	if loops == 0 {
		loops = limits.workers(goruntime.NumCPU())
	}
	goruntime.GOMAXPROCS(max(goruntime.GOMAXPROCS(0), loops+2))
	adopter := pump.New(env)
	driver, err := loop.New(env, loop.Options{
		Loops: loops, Connections: main.WorkerConnections, CPUs: main.Affinity.Of, Adopter: adopter,
	})
	if err != nil {
		return nil, 0, err
	}
	datagrams := datagram.New(env, datagram.Options{Loops: loops, Connections: main.WorkerConnections})
	return drivers{relieved{driver, adopter}, datagrams}, loops, nil
}
