package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"weir/conformance/nginx"
)

// A Subject is a program that runs scripts: weir, or a real nginx.
type Subject struct {
	Name    string // "weir", or the product with its version: "nginx 1.31.5", "Angie 1.13.0"
	Bin     string
	Build   *nginx.Build             // nil for weir, which runs every script
	modules string                   // the load_module directives for the program, passed in -g
	except  Differences              // the scripts that a program derived from nginx fails on purpose
	rewrite func(conf string) string // converts conf for the program; line numbers do not change
}

// weirName is the name of the subject weir.
const weirName = "weir"

// Weir returns the subject for the binary of weir. It reads every configuration unchanged.
func Weir(bin string) *Subject {
	return &Subject{Name: weirName, Bin: bin, rewrite: unchanged}
}

// unchanged returns a configuration unchanged.
func unchanged(conf string) string { return conf }

func (sub *Subject) isWeir() bool { return sub.Build == nil }

// NotFor returns why the script does not apply to the subject, or an empty string.
func (sub *Subject) NotFor(s *Script) string {
	switch {
	case sub.isWeir():
		return ""
	case s.OnlyWeir != "":
		return s.OnlyWeir
	case sub.except[s.Name] != "":
		return sub.except[s.Name]
	case sub.Build.Version.Before(s.Since):
		return fmt.Sprintf("since %v", s.Since)
	case s.NeedsDebug && !sub.Build.Debugs():
		return "without --with-debug"
	}
	if module := sub.Lacks(s); module != "" && !sub.Build.CanLoad() {
		return "without " + module
	}
	return ""
}

// Lacks returns the module that the script needs and the subject lacks, or an empty string.
func (sub *Subject) Lacks(s *Script) string {
	if sub.isWeir() {
		return ""
	}
	if s.Module != "" && !sub.Build.Has(s.Module) {
		return s.Module
	}
	if s.prereadsMQTT() && !sub.Build.Has(nginx.JS) && !sub.Build.Has(nginx.MQTTPreread) {
		return nginx.JS
	}
	return ""
}

// runs reports whether the command applies to the subject: weir follows the newest nginx.
func (sub *Subject) runs(c Command) bool {
	if sub.isWeir() {
		return c.Before == nginx.Version{}
	}
	return !sub.Build.Version.Before(c.Since) && (c.Before == nginx.Version{} || sub.Build.Version.Before(c.Before))
}

// ownName is the prefix of Angie's lines.
var ownName = regexp.MustCompile(`(?m)^angie: `)

// asNginx returns the program's standard error with the name of nginx at the start of each line.
func (sub *Subject) asNginx(printed string) string {
	if sub.isWeir() {
		return printed
	}
	return ownName.ReplaceAllString(printed, "nginx: ")
}

// loading returns the subject with one more module, if one is named and not linked into the
// program.
func (sub *Subject) loading(name string) *Subject {
	if name == "" || sub.isWeir() || sub.Build.Linked(name) {
		return sub
	}
	more := *sub
	more.modules += " " + sub.Build.Load(name)
	return &more
}

// errorLog is the default error log of the subject, relative to the prefix.
const errorLog = "logs/error.log"

// defaults are directives that the runner adds through -g when no line of the configuration begins
// with them. Without them nginx would daemonize, drop its access to files of the test, and use the
// system's own paths.
var defaults = []struct{ name, text string }{
	{"daemon", "daemon off;"},
	{"pid", "pid nginx.pid;"},
	{"error_log", "error_log " + errorLog + " info;"},
}

// command prepares the subject on the configuration conf of directory dir, with more arguments. A
// -g in args is appended to the runner's own.
func (sub *Subject) command(dir, conf string, args []string) *exec.Cmd {
	globals := sub.globals(filepath.Join(dir, conf))
	all := []string{"-p", dir, "-e", errorLog, "-c", conf}
	for i := 0; i < len(args); i++ {
		if args[i] == "-g" && i+1 < len(args) {
			i++
			globals += " " + args[i]
			continue
		}
		all = append(all, args[i])
	}
	return sub.bare(dir, append(all, "-g", globals))
}

// bare prepares the subject with exactly these arguments.
func (sub *Subject) bare(dir string, args []string) *exec.Cmd {
	cmd := exec.Command(sub.Bin, args...)
	cmd.Dir = dir
	return cmd
}

func (sub *Subject) globals(path string) string {
	conf, _ := os.ReadFile(path) // may be missing: the script tests the program's message about it
	all := []string{sub.modules}
	for _, d := range defaults {
		if !regexp.MustCompile(`(?m)^` + d.name + `\s`).Match(conf) {
			all = append(all, d.text)
		}
	}
	if os.Getuid() == 0 {
		all = append(all, "user root;")
	}
	return strings.TrimSpace(strings.Join(all, " "))
}
