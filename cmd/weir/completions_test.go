package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write packaging/completions")

const completionsDir = "../../packaging/completions/"

// An option is a line of the help.
type option struct {
	names []string // "-?", "-h"
	value string   // "signal"; empty for an option without a value
	help  string
}

var optionLine = regexp.MustCompile(`(?m)^  (-\S+)(?: (\w+))? +: (.+?)(?: \(default: %s\))?$`)

// options lists the lines of the help.
func options(t *testing.T) (all []option) {
	t.Helper()
	for _, m := range optionLine.FindAllStringSubmatch(usage, -1) {
		all = append(all, option{strings.Split(m[1], ","), m[2], m[3]})
	}
	if len(all) == 0 {
		t.Fatal("the help has no options")
	}
	return all
}

// TestHelpIsComplete compares the help with the options that are parsed, and its value names with those of the summary.
func TestHelpIsComplete(t *testing.T) {
	var shown []string
	for _, o := range options(t) {
		shown = append(shown, o.names...)
		for _, name := range o.names {
			if !accepts(name, o.value) {
				t.Errorf("the help has %s %q, which is not parsed", name, o.value)
			}
		}
	}
	for letter := byte('!'); letter <= '~'; letter++ {
		name := "-" + string(letter)
		if accepted := accepts(name, "") || accepts(name, "value"); accepted && !slices.Contains(shown, name) {
			t.Errorf("%s is parsed and not in the help", name)
		}
	}
	for name := range ownSwitches {
		if !slices.Contains(shown, name) {
			t.Errorf("%s is parsed and not in the help", name)
		}
	}
}

// accepts reports whether an option is parsed, with a value or without.
func accepts(name, value string) bool {
	if ownSwitches[name] != nil {
		return value == ""
	}
	var f flags
	to, _ := f.valued(name[1])
	return len(name) == 2 && ((value == "" && f.simple(name[1])) || (value != "" && to != nil))
}

// TestManualHasOptions checks that weir.8 describes the options of the help and no others.
func TestManualHasOptions(t *testing.T) {
	page, err := os.ReadFile("../../packaging/weir.8")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n.SH OPTIONS\n")
	section, _, _ = strings.Cut(section, "\n.SH ")
	var got, want []string
	for _, m := range regexp.MustCompile(`(?m)^\.TP\n\.\w+ (.*)$`).FindAllStringSubmatch(section, -1) {
		got = append(got, strings.NewReplacer(`\-`, "-", ` ", " `, ",", ` " `, " ", `"`, "").Replace(m[1]))
	}
	for _, o := range options(t) {
		want = append(want, strings.TrimSpace(strings.Join(o.names, ",")+" "+o.value))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the manual page describes %q, the help %q", got, want)
	}
}

// TestCompletions compares the completions of the shells with the help; -update rewrites the files.
func TestCompletions(t *testing.T) {
	all := options(t)
	for _, o := range all {
		if _, known := completions[o.value]; o.value != "" && !known {
			t.Errorf("no completion for the value %s of %s", o.value, o.names[0])
		}
	}
	for name, want := range map[string]string{"weir.bash": bash(all), "_weir": zsh(all), "weir.fish": fish(all)} {
		if *update {
			if err := os.WriteFile(completionsDir+name, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(completionsDir + name); err != nil || string(got) != want {
			t.Errorf("%s%s differs from the help (%v): go test ./cmd/weir -run TestCompletions -update", completionsDir, name, err)
		}
	}
}

const written = "# Written by \"go test ./cmd/weir -run TestCompletions -update\" from the help.\n"

// A completion is the way in which a shell completes a kind of value.
type completion struct{ bash, zsh, fish string }

// completions has one for each value in the help. Directives and addresses are not completed.
var completions = map[string]completion{
	"signal": {
		"mapfile -t COMPREPLY < <(compgen -W '" + strings.Join(signals, " ") + "' -- \"$cur\")",
		"(" + strings.Join(signals, " ") + ")",
		"-x -a '" + strings.Join(signals, " ") + "'",
	},
	"prefix":     {"compopt -o filenames\n        mapfile -t COMPREPLY < <(compgen -d -- \"$cur\")", "_files -/", "-x -a '(__fish_complete_directories)'"},
	"filename":   {"compopt -o filenames\n        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")", "_files", "-r -F"},
	"directives": {"COMPREPLY=()", " ", "-x"},
	"address":    {"COMPREPLY=()", " ", "-x"},
}

func bash(all []option) string {
	var b strings.Builder
	b.WriteString(written + "_weir() {\n    local cur=${COMP_WORDS[COMP_CWORD]}\n    case ${COMP_WORDS[COMP_CWORD - 1]} in\n")
	var names []string
	for _, o := range all {
		names = append(names, o.names...)
		if o.value != "" {
			fmt.Fprintf(&b, "    %s)\n        %s\n        return ;;\n", strings.Join(o.names, " | "), completions[o.value].bash)
		}
	}
	fmt.Fprintf(&b, "    esac\n    mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$cur\")\n}\ncomplete -F _weir weir\n", strings.Join(names, " "))
	return b.String()
}

func zsh(all []option) string {
	var b strings.Builder
	b.WriteString("#compdef weir\n" + written + "_arguments")
	for _, o := range all {
		for _, name := range o.names {
			value := ""
			if o.value != "" {
				name, value = name+"+", ":"+o.value+":"+completions[o.value].zsh
			}
			fmt.Fprintf(&b, " \\\n    '%s[%s]%s'", name, o.help, value)
		}
	}
	return b.String() + "\n"
}

func fish(all []option) string {
	var b strings.Builder
	b.WriteString(written + "complete -c weir -f\n")
	for _, o := range all {
		for _, name := range o.names {
			kind := "-s"
			if len(name) > 2 {
				kind = "-o"
			}
			line := []string{"complete -c weir", kind, "'" + name[1:] + "'"}
			if o.value != "" {
				line = append(line, completions[o.value].fish)
			}
			fmt.Fprintf(&b, "%s -d '%s'\n", strings.Join(line, " "), o.help)
		}
	}
	return b.String()
}
