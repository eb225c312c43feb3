package runtime

import (
	goruntime "runtime"

	"weir/directives"
	"weir/stream"
	"weir/stream/datagram"
	"weir/stream/loop"
)

// newDriver returns the epoll driver, with a loop for each of worker_processes, and how many these are. The Go runtime gets two processors more than there
// are loops: each loop keeps one to itself, and with none to spare the runtime's monitor would take them away.
func newDriver(env *stream.Env, main *directives.Main) (stream.Driver, int, error) {
	loops := main.WorkerProcesses
	if loops == 0 {
		loops = goruntime.NumCPU()
	}
	goruntime.GOMAXPROCS(max(goruntime.GOMAXPROCS(0), loops+2))
	driver, err := loop.New(env, loop.Options{Loops: loops, Connections: main.WorkerConnections, CPUs: main.Affinity.Of})
	if err != nil {
		return nil, 0, err
	}
	return drivers{driver, datagram.New(env, datagram.Options{Loops: loops, Connections: main.WorkerConnections})}, loops, nil
}
