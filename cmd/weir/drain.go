package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"weir/runtime"
)

// drainCommand is the first argument of the command that drains a server.
const drainCommand = "drain"

// runDrain runs "weir drain" and returns the exit code.
func runDrain(args []string, stdio runtime.Stdio) int {
	o, d, err := parseDrain(args)
	if err != nil {
		fmt.Fprintf(stdio.Err, "weir drain: %v\nUsage: weir drain [-p prefix] [-c filename] [-g directives] GROUP SERVER [--rate N] [--wait]\n", err)
		return 1
	}
	return runtime.RunDrain(o, d, stdio)
}

// parseDrain parses the arguments after "drain". The options of files are those of weir itself.
func parseDrain(args []string) (runtime.Options, runtime.Drain, error) {
	f := flags{Options: runtime.Options{Args: args}}
	var d runtime.Drain
	var names []string
	for rest := args; len(rest) > 0; {
		word := rest[0]
		rest = rest[1:]
		value, joined := strings.CutPrefix(word, "--rate=")
		switch {
		case word == "--wait":
			d.Wait = true
		case word == "--rate" && len(rest) > 0:
			value, joined, rest = rest[0], true, rest[1:]
		case joined:
		case !strings.HasPrefix(word, "-"):
			names = append(names, word)
		default:
			var err error
			if rest, err = f.fileOption(word, rest); err != nil {
				return f.Options, d, err
			}
		}
		if joined {
			n, err := strconv.Atoi(strings.TrimSuffix(value, "/s"))
			if err != nil || n < 1 || n > runtime.MaxDrainRate {
				return f.Options, d, fmt.Errorf("invalid rate \"%s\"", value)
			}
			d.Rate = n
		}
	}
	if len(names) != 2 {
		return f.Options, d, errors.New("a group and a server are required")
	}
	d.Upstream, d.Server = names[0], names[1]
	return f.Options, d, nil
}

// fileOption parses -p, -e, -c or -g with its value, and returns the remaining words.
func (f *flags) fileOption(word string, rest []string) ([]string, error) {
	if len(word) < 2 || !strings.ContainsRune("pecg", rune(word[1])) {
		return rest, fmt.Errorf("invalid option: \"%s\"", word)
	}
	return f.letters(word[1:], rest)
}
