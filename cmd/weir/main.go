// Command weir is a stream proxy for MQTT fleets that reads nginx.conf and replaces nginx.
package main

import (
	"fmt"
	"os"

	"weir/runtime"
)

func main() {
	args, err := runtime.CommandLine(os.Args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "nginx: [emerg] keeper: %v\n", err)
		os.Exit(1)
	}
	os.Exit(run(args, runtime.Stdio{Out: os.Stdout, Err: os.Stderr}))
}

// run runs the command line and returns the exit code.
func run(args []string, stdio runtime.Stdio) int {
	if len(args) > 1 && args[1] == drainCommand {
		return runDrain(args[2:], stdio)
	}
	f, err := parseFlags(args)
	if err != nil {
		fmt.Fprintf(stdio.Err, "nginx: %v\n", err)
		return 1
	}
	if f.version {
		f.show(stdio.Err)
		if !f.Test {
			return 0
		}
	}
	return runtime.Main(f.Options, stdio)
}
