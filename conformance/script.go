// Package conformance runs statements of nginx's documentation as black-box scripts on weir and on
// real nginx.
//
// A script is a txtar file under testdata/PAGE/. Its comment begins with # lines, which state the
// documented behaviour, and header lines:
//
//	page: stream/ngx_stream_proxy_module.html#proxy_timeout
//	only: weir, REASON                  no real nginx runs it
//	nginx: since 1.25.5                 older nginx does not run it
//	module: ngx_stream_geoip_module     nginx loads it for the script
//	needs: root                         other users skip it, with a message
//	needs: debug                        nginx without --with-debug does not run it
//
// After them follow commands, one a line (see the table in cmds.go), and the files, which are
// written to the script's own directory. A command may have a label, `[label] COMMAND`, by which
// known_differences.txt names it. The labels `[since VERSION]` and `[before VERSION]` mark
// behaviour that changed: only such an nginx runs the command, and weir behaves like the newest. In
// commands and files {{KIND NAME}} stands for a value that the runner creates (see expand.go), such
// as a free port.
package conformance

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/txtar"

	"weir/conformance/nginx"
)

// A Script is one file of testdata.
type Script struct {
	Name       string        // "proxy/timeout"
	Statement  string        // the documented behaviour, in our words
	Page       string        // "stream/ngx_stream_proxy_module.html#proxy_timeout"
	OnlyWeir   string        // why real nginx cannot run it; empty if it can
	Since      nginx.Version // of nginx
	Module     string        // nginx module loaded for this script; empty if none is needed
	NeedsRoot  bool          // whether it passes only with all privileges
	NeedsDebug bool          // whether it passes only on an nginx with debug logging
	Commands   []Command
	Files      []txtar.File
}

// A Command is one line of a script, not yet expanded.
type Command struct {
	Line   int
	Label  string // empty if there is no label
	Since  nginx.Version
	Before nginx.Version // zero sets no upper limit
	Text   string
}

// LoadScripts reads every script below dir, sorted by name.
func LoadScripts(dir string) ([]*Script, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.txtar"))
	if err != nil {
		return nil, err
	}
	var scripts []*Script
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		name := filepath.Base(filepath.Dir(path)) + "/" + strings.TrimSuffix(filepath.Base(path), ".txtar")
		s, err := ParseScript(name, data)
		if err != nil {
			return nil, fmt.Errorf("%s:%w", path, err)
		}
		scripts = append(scripts, s)
	}
	return scripts, nil
}

// ParseScript parses one script. Its errors begin with the line.
func ParseScript(name string, data []byte) (*Script, error) {
	ar := txtar.Parse(data)
	s := &Script{Name: name, Files: ar.Files}
	var statement []string
	for i, line := range strings.Split(string(ar.Comment), "\n") {
		line = strings.TrimSpace(line)
		comment, isComment := strings.CutPrefix(line, "#")
		switch {
		case line == "":
		case isComment && s.Page == "":
			statement = append(statement, strings.TrimSpace(comment))
		case isComment:
		default:
			if err := s.line(i+1, line); err != nil {
				return nil, fmt.Errorf("%d: %w", i+1, err)
			}
		}
	}
	s.Statement = strings.Join(statement, " ")
	return s, s.complete()
}

var (
	headerLine  = regexp.MustCompile(`^(page|only|nginx|module|needs): +(.*)$`)
	labelled    = regexp.MustCompile(`^\[([^]]+)\] +(.*)$`)
	sinceHeader = regexp.MustCompile(`^since ([0-9.]+)$`)
	beforeLabel = regexp.MustCompile(`^before ([0-9.]+)$`)
)

// line parses a header or a command.
func (s *Script) line(n int, text string) error {
	if h := headerLine.FindStringSubmatch(text); h != nil {
		return s.header(h[1], h[2])
	}
	c := Command{Line: n, Text: text}
	if l := labelled.FindStringSubmatch(text); l != nil {
		c.Text = l[2]
		if err := c.label(l[1]); err != nil {
			return err
		}
	}
	s.Commands = append(s.Commands, c)
	return nil
}

// label parses the text between brackets: versions, or a name.
func (c *Command) label(text string) (err error) {
	if since := sinceHeader.FindStringSubmatch(text); since != nil {
		c.Since, err = nginx.ParseVersion(since[1])
		return err
	}
	if before := beforeLabel.FindStringSubmatch(text); before != nil {
		c.Before, err = nginx.ParseVersion(before[1])
		return err
	}
	c.Label = text
	return nil
}

func (s *Script) header(key, value string) error {
	switch key {
	case "page":
		s.Page = value
	case "module":
		s.Module = value
	case "needs":
		return s.need(value)
	case "only":
		reason, ok := strings.CutPrefix(value, "weir, ")
		if !ok {
			return fmt.Errorf("got only: %s, want only: weir, REASON", value)
		}
		s.OnlyWeir = reason
	case "nginx":
		since := sinceHeader.FindStringSubmatch(value)
		if since == nil {
			return fmt.Errorf("got nginx: %s, want nginx: since VERSION", value)
		}
		v, err := nginx.ParseVersion(since[1])
		s.Since = v
		return err
	}
	return nil
}

func (s *Script) need(what string) error {
	switch what {
	case "root":
		s.NeedsRoot = true
	case "debug":
		s.NeedsDebug = true
	default:
		return fmt.Errorf("got needs: %s, want needs: root or debug", what)
	}
	return nil
}

func (s *Script) complete() error {
	switch {
	case s.Statement == "":
		return fmt.Errorf("1: no # line says what is documented")
	case !strings.Contains(s.Page, ".html") && !strings.HasPrefix(s.Page, "https://"):
		return fmt.Errorf("1: no page: line names the documentation page")
	case len(s.Commands) == 0:
		return fmt.Errorf("1: no commands")
	}
	return nil
}

// prereadsMQTT reports whether a configuration of the script uses the module that open nginx lacks.
func (s *Script) prereadsMQTT() bool {
	return slices.ContainsFunc(s.Files, func(f txtar.File) bool {
		return strings.HasSuffix(f.Name, ".conf") && bytes.Contains(f.Data, []byte("mqtt_preread"))
	})
}
