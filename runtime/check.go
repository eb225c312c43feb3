package runtime

import (
	"context"
	"fmt"
	"os"

	"weir/directives"
	"weir/internal/errorlog"
)

// check implements -t: it opens everything that a start would open, then closes it. As in nginx, the
// files that it created stay: log files, and an empty pid file.
func check(o Options, p paths, c *console, stdio Stdio) int {
	program, found := load(p.source(o.Globals), p.env(context.Background(), os.Getpid(), c.out.writer()))
	read, late := found.Split()
	c.logDiagnostics(read)
	err := read.Err()
	if err == nil {
		if !o.Quiet {
			fmt.Fprintf(stdio.Err, "nginx: the configuration file %s syntax is ok\n", p.conf)
		}
		c.logDiagnostics(late)
		err = late.Err()
	}
	if err == nil {
		err = tryOpen(program, c)
	}
	if err != nil {
		fmt.Fprintf(stdio.Err, "nginx: configuration file %s test failed\n", p.conf)
		return exitFailed
	}
	if !o.Quiet {
		fmt.Fprintf(stdio.Err, "nginx: configuration file %s test is successful\n", p.conf)
	}
	if o.Dump {
		c.out.wait(commandTimeout) // earlier output may go to the same place
		program.Tree.Dump(stdio.Out)
	}
	return exitOK
}

// tryOpen opens everything that program needs and closes it again. It has logged the error.
func tryOpen(program *directives.Program, c *console) error {
	var undo rollback
	defer undo.run()
	if err := touchPid(program.Main.PidFile); err != nil {
		c.log(errorlog.Emerg, "%v", err)
		return err
	}
	g := newGeneration(1, program, &tally{})
	c.out.add(program.Stream.Files)
	env := newEnv(func() *errorlog.Log { return program.Main.ErrorLog })
	if err := g.open(context.Background(), env, nil, &undo); err != nil {
		c.log(errorlog.Emerg, "%v", err)
		return err
	}
	opened := startConsole(program, c)
	bound, err := binder{console: opened, testing: true}.bind(context.Background(), g.sockets())
	for _, b := range bound {
		undo.add(b.discard)
	}
	if err != nil {
		opened.log(errorlog.Emerg, "%v", err)
		return err
	}
	warnOfOpenFiles(&program.Main, opened)
	return nil
}
