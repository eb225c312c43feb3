package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"weir/runtime"
)

// flags is a parsed command line.
type flags struct {
	runtime.Options
	version bool // -v, and the options that show more
	build   bool // -V
	help    bool // -?, -h
}

// ownSwitches are the options that nginx does not have, each a whole word. docs/extensions.md has a
// section for each.
var ownSwitches = map[string]func(*flags){
	"-watch": func(f *flags) { f.Watch = true },
	longWait: func(f *flags) { f.Wait = true },
	"-hints": func(f *flags) { f.Hints = true },
}

// The two forms of one switch.
const (
	longWait  = "--wait"
	shortWait = "-wait"
)

// parseFlags parses a command line by the rules of ngx_get_options: letters may be joined, and the value
// of a letter is the rest of its word or the next word. The error is nginx's sentence.
func parseFlags(args []string) (flags, error) {
	f := flags{Options: runtime.Options{Args: args}}
	rest := args[1:]
	for len(rest) > 0 {
		word := rest[0]
		rest = rest[1:]
		if word == shortWait {
			word = longWait
		}
		if set := ownSwitches[word]; set != nil {
			set(&f)
			continue
		}
		if word == "" || word[0] != '-' {
			return f, fmt.Errorf("invalid option: \"%s\"", word)
		}
		var err error
		if rest, err = f.letters(word[1:], rest); err != nil {
			return f, err
		}
	}
	if f.Wait && f.Signal != "reload" {
		return f, errors.New("option \"--wait\" requires \"-s reload\"")
	}
	return f, nil
}

// letters parses one word without its dash, and returns the remaining words after it.
func (f *flags) letters(word string, rest []string) ([]string, error) {
	for i := range len(word) {
		if f.simple(word[i]) {
			continue
		}
		to, missing := f.valued(word[i])
		if to == nil {
			return rest, fmt.Errorf("invalid option: \"%s\"", word[i:i+1])
		}
		value := word[i+1:]
		if value == "" {
			if len(rest) == 0 {
				return rest, fmt.Errorf("option \"-%s\" requires %s", word[i:i+1], missing)
			}
			value, rest = rest[0], rest[1:]
		}
		*to = value
		if to == &f.Signal && !slices.Contains(signals, value) {
			return rest, fmt.Errorf("invalid option: \"-s %s\"", value)
		}
		return rest, nil
	}
	return rest, nil
}

// simple sets the flag of a letter without a value, and reports whether there is one.
func (f *flags) simple(letter byte) bool {
	switch letter {
	case '?', 'h':
		f.version, f.help = true, true
	case 'v':
		f.version = true
	case 'V':
		f.version, f.build = true, true
	case 't':
		f.Test = true
	case 'T':
		f.Test, f.Dump = true, true
	case 'q':
		f.Quiet = true
	default:
		return false
	}
	return true
}

// valued returns the target for the value of a letter, and nginx's name for the value; nil for a letter
// without a value.
func (f *flags) valued(letter byte) (to *string, missing string) {
	switch letter {
	case 'p':
		return &f.Prefix, "directory name"
	case 'e':
		return &f.ErrorLog, "file name"
	case 'c':
		return &f.Conf, "file name"
	case 'g':
		return &f.Globals, "parameter"
	case 'l':
		return &f.Control, "address"
	case 's':
		return &f.Signal, "parameter"
	}
	return nil, ""
}

// signals are the valid values of -s.
var signals = []string{"stop", "quit", "reopen", "reload"}

// show writes the output of -v, -V and -h.
func (f *flags) show(w io.Writer) {
	runtime.WriteVersion(w)
	if f.help {
		fmt.Fprintf(w, usage, runtime.DefaultPrefix, runtime.DefaultErrorLog, runtime.DefaultConf)
	}
	if f.build {
		runtime.WriteBuild(w)
	}
}

const usage = `Usage: weir [-?hvVtTq] [-s signal] [-p prefix]
            [-e filename] [-c filename] [-g directives] [-l address] [-watch] [-hints] [--wait]
       weir drain [-p prefix] [-c filename] [-g directives] group server
            [--rate N] [--wait]

Options:
  -?,-h         : show this help
  -v            : show the version
  -V            : show the version, the coverage of directives and how weir was built
  -t            : test the configuration
  -T            : test the configuration and print each of its files
  -q            : with -t and -T, print errors only
  -s signal     : send a signal to the running process: stop, quit, reopen, reload
  -p prefix     : directory for relative paths (default: %s)
  -e filename   : error log until the configuration sets one (default: %s)
  -c filename   : configuration file (default: %s)
  -g directives : directives to read before the file
  -l address    : serve the control API on a port or a socket: -l unix:/run/weir.sock
  -watch        : reload when a file of the configuration changes
  --wait        : with -s reload, wait for the outcome and fail if the configuration was not reloaded
  -hints        : show the source line of an error and how to correct it, as in a terminal

`
