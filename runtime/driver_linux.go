package runtime

import (
	"errors"
	goruntime "runtime"

	"weir/directives"
	"weir/stream"
	"weir/stream/driver/epoll"
	"weir/stream/driver/udp"
)

// loopsOf returns the number of event loops: auto uses the processors that exist and that the CPU quota of the
// control group allows.
func loopsOf(main *directives.Main, limits groupLimits) int {
	if main.WorkerProcesses == 0 {
		return limits.workers(goruntime.NumCPU())
	}
	return main.WorkerProcesses
}

// newDriver returns the epoll driver, with one loop per worker_processes.
func newDriver(env *stream.Env, main *directives.Main, loops int) (stream.Driver, error) {
	spareProcessors(loops)
	driver, err := epoll.New(env, connectionOptions(main, loops))
	if err != nil {
		return nil, err
	}
	return drivers{driver, udp.New(env, datagramOptions(main, loops))}, nil
}

// resize changes the loops of the driver, if it has any.
func resize(d stream.Driver, main *directives.Main, loops int) error {
	both, ok := d.(drivers)
	if !ok {
		return nil
	}
	spareProcessors(loops)
	return errors.Join(
		both.connections.(*epoll.Driver).Resize(connectionOptions(main, loops)),
		both.datagrams.(*udp.Driver).Resize(datagramOptions(main, loops)),
	)
}

func connectionOptions(main *directives.Main, loops int) epoll.Options {
	return epoll.Options{Loops: loops, Connections: main.WorkerConnections, CPUs: main.Affinity.Of, Workers: loops}
}

func datagramOptions(main *directives.Main, loops int) udp.Options {
	return udp.Options{Loops: loops, Connections: main.WorkerConnections}
}

// spareProcessors gives the Go runtime two processors more than there are loops: each loop occupies one, and
// without spare ones the runtime's monitor would take them away.
func spareProcessors(loops int) {
	goruntime.GOMAXPROCS(max(goruntime.GOMAXPROCS(0), loops+2))
}
