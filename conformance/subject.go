package conformance

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A Subject is a program that runs scripts: weir, or real nginx.
type Subject struct {
	Name      string
	Bin       string
	Version   Version                  // of nginx; zero for weir, which answers every script
	modules   string                   // the load_module directives that the program needs, for -g
	moduleDir string                   // the directory of its modules
	rewrite   func(conf string) string // what the program reads instead of conf; lines stay where they are
}

// Weir returns the subject for the binary of weir. It reads every configuration as the script has it.
func Weir(bin string) *Subject {
	return &Subject{Name: "weir", Bin: bin, rewrite: func(conf string) string { return conf }}
}

// NotFor returns why the subject cannot run the script, or an empty string.
func (sub *Subject) NotFor(s *Script) string {
	if sub.Name == "weir" {
		return ""
	}
	if s.OnlyWeir != "" {
		return s.OnlyWeir
	}
	if sub.Version.Before(s.Since) {
		return fmt.Sprintf("since %v, this is %v", s.Since, sub.Version)
	}
	return ""
}

// Lacks returns the module that the script asks for and the subject has not, or an empty string.
func (sub *Subject) Lacks(s *Script) string {
	if sub.Name == "weir" || s.Module == "" {
		return ""
	}
	if _, err := os.Stat(sub.modulePath(s.Module)); err == nil {
		return ""
	}
	return s.Module
}

func (sub *Subject) modulePath(name string) string { return filepath.Join(sub.moduleDir, name+".so") }

// loading returns the subject with one more module, if one is named and the subject loads any.
func (sub *Subject) loading(name string) *Subject {
	if name == "" || sub.modules == "" {
		return sub
	}
	more := *sub
	more.modules += " load_module " + sub.modulePath(name) + ";"
	return &more
}

// errorLog is where the subject logs unless the configuration says otherwise, below the prefix.
const errorLog = "logs/error.log"

// defaults are directives that the runner adds through -g when the configuration does not have them at the start of a line.
// Without them nginx would go to the background, drop its rights to files of the test, and use the system's own paths.
var defaults = []struct{ name, text string }{
	{"daemon", "daemon off;"},
	{"pid", "pid nginx.pid;"},
	{"error_log", "error_log " + errorLog + " info;"},
}

// command prepares the subject on the configuration conf of directory dir, with more arguments. A -g in args is kept behind the runner's own.
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
	conf, _ := os.ReadFile(path) // missing: the script wants to see what the program says to that
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
