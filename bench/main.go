//go:build linux

// Command bench compares weir with nginx and HAProxy under the loads of package load, and saves the
// result.
//
//	go run ./bench                             the comparison: five rounds, a few minutes
//	go run ./bench -short                      tiny loads, to check that everything works
//	go run ./bench -write docs/performance.md  the comparison, written to a file with a description of the machine
//	go run ./bench -tables -rounds 3           nginx and weir with large tables
//	go run ./bench -tests storm -subjects weir -reloads 100
//
// It starts everything itself, on loopback addresses only, and stops it again. WEIR_BIN names the
// binary of weir; without it, ./cmd/weir is built. NGINX_BIN names that of nginx; the default is
// the installed one. WEIR_OLD_BIN names an earlier build, the subject weir-old.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"syscall"
)

func main() {
	// A load generator needs few GC pauses, not a small heap.
	debug.SetGCPercent(800)
	// The programs under test are killed when the thread that started them exits.
	runtime.LockOSThread()
	err := run(os.Args[1:])
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	os.Exit(1)
}

func run(args []string) error {
	if len(args) > 0 && args[0] == brokerCommand {
		return serveBroker(os.Stdin, os.Stdout)
	}
	o, err := parseOptions(args, os.Stderr)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	measure := compare
	if o.tables {
		measure = compareTables
	}
	report, err := measure(ctx, o, os.Stderr)
	if err != nil {
		return err
	}
	return o.deliver(report, os.Stdout)
}
