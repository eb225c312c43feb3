//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"
)

// options are the parsed command line.
type options struct {
	tests    []test
	subjects []string
	rounds   int
	scale    scale
	system   bool
	timeout  time.Duration

	idleBeside, servers, reloads, mapEntries int

	tables             bool
	jsonFile, document string
}

// parseOptions parses the command line; usage is written to out.
func parseOptions(args []string, out io.Writer) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(out)
	tests := fs.String("tests", strings.Join(testNames(), ","), "tests, comma separated")
	subjects := fs.String("subjects", "nginx,haproxy,weir", "what is measured, of "+strings.Join(subjectNames(), ", "))
	short := fs.Bool("short", false, "tiny loads, one round: shows that everything works, and measures nothing")
	bytes := fs.Int64("bytes", full.bytes, "bytes that up and down move")
	fs.IntVar(&o.rounds, "rounds", 5, "rounds; the result is the median")
	fs.BoolVar(&o.system, "system", true, "change settings of the system for the time of the run, where permitted")
	fs.DurationVar(&o.timeout, "timeout", 2*time.Minute, "the longest that one measurement may take")
	fs.IntVar(&o.idleBeside, "idle-beside", 0, "growth: measure again with this many idle sessions beside the load")
	fs.IntVar(&o.servers, "servers", 0, "growth: measure again with this many servers in the upstream group")
	fs.IntVar(&o.reloads, "reloads", 0, "growth: measure again after this many reloads")
	fs.IntVar(&o.mapEntries, "map-entries", 0, "growth: measure again with a map of this many entries in the log line")
	fs.BoolVar(&o.tables, "tables", false, "measure nginx and weir with large tables of map and geo instead; tests and subjects do not matter")
	fs.StringVar(&o.jsonFile, "json", "", "write every measurement to this file")
	fs.StringVar(&o.document, "write", "", "write the tables and the machine they are from to this file")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	o.scale = full
	if *short {
		o.scale, o.rounds = tiny, min(o.rounds, 1)
	}
	if isSet(fs, "bytes") {
		o.scale.bytes = *bytes
	}
	return o, o.check(fs, *tests, *subjects, *short)
}

func (o *options) check(fs *flag.FlagSet, tests, subjects string, short bool) error {
	if fs.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", fs.Arg(0))
	}
	if short && o.document != "" {
		return errors.New("-write keeps figures, and -short has none")
	}
	if o.rounds < 1 || o.scale.bytes < bulkSessions || min(o.idleBeside, o.servers, o.reloads, o.mapEntries) < 0 {
		return errors.New("a count is too small")
	}
	if o.servers > maxServers || o.mapEntries > maxServers {
		return fmt.Errorf("at most %d servers and entries", maxServers)
	}
	var err error
	if o.tests, err = testsNamed(strings.Split(tests, ",")); err != nil {
		return err
	}
	o.subjects, err = subjectsNamed(strings.Split(subjects, ","))
	return err
}

func isSet(fs *flag.FlagSet, name string) bool {
	set := false
	fs.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}
