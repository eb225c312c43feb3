package upstream

import (
	"io"
	"strconv"
	"strings"
	"sync"

	"weir/internal/errorlog"
	"weir/internal/statefile"
)

// stateMode is the mode of a new state file.
const stateMode = 0o644

// A stateFile is the file to which a group writes its servers after each edit.
type stateFile struct {
	path string // empty without a file

	mu      sync.Mutex // held while the file is written; not needed by sessions and lookups
	saved   uint64     // the version that the file has
	cleaned bool       // files that killed processes have left are removed
}

// SetState makes the group write its servers to the file at path after each edit. The group has a zone
// and is not open yet.
func (g *Group) SetState(path string) { g.registry.state.path = path }

// StateFile returns the path of SetState.
func (g *Group) StateFile() string {
	if g.registry == nil {
		return ""
	}
	return g.registry.state.path
}

// save writes the newest version of the servers, unless the file has it already. It returns after the
// file is on the disk. An error is logged; the next edit writes all servers again.
func (r *registry) save(group string) {
	f := &r.state
	if f.path == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	text, version := r.stateText()
	if version == f.saved {
		return
	}
	if !f.cleaned {
		f.cleaned = true
		r.noteSave(group, statefile.Clean(f.path))
	}
	err := statefile.Write(f.path, stateMode, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if r.noteSave(group, err) {
		f.saved = version
	}
}

// noteSave logs an error, and reports whether there is none.
func (r *registry) noteSave(group string, err error) bool {
	if err != nil {
		r.log.Write(errorlog.Alert, 0, "state of upstream \""+group+"\" could not be saved: "+err.Error())
	}
	return err == nil
}

// stateText returns the content of the state file and its version.
func (r *registry) stateText() (string, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	for _, e := range r.servers {
		e.writeLine(&b)
	}
	return b.String(), r.version
}

// writeLine writes the directive of the server, with the parameters that differ from the defaults.
func (e *entry) writeLine(b *strings.Builder) {
	s := e.info()
	b.WriteString("server " + quoteWord(s.Server))
	number := func(name string, n, standard int) {
		if n != standard {
			b.WriteString(" " + name + "=" + strconv.Itoa(n))
		}
	}
	number("weight", s.Weight, 1)
	number("max_conns", s.MaxConns, 0)
	number("max_fails", s.MaxFails, 1)
	if rate := e.conf().ConnectRate; rate > 0 {
		b.WriteString(" max_connect_rate=" + strconv.Itoa(rate) + "/s")
	}
	if s.FailTimeout.Length != defaultFailTimeout.Length {
		b.WriteString(" " + quoteWord("fail_timeout="+s.FailTimeout.Text))
	}
	if s.SlowStart.Length != 0 {
		b.WriteString(" " + quoteWord("slow_start="+s.SlowStart.Text))
	}
	flag := func(name string, set bool) {
		if set {
			b.WriteString(" " + name)
		}
	}
	flag("backup", s.Backup)
	flag("down", s.Down)
	flag("drain", s.Drain)
	if s.Service != "" {
		b.WriteString(" " + quoteWord("service="+s.Service))
	}
	flag("resolve", e.name != nil)
	flag("ring=address", e.name != nil && e.name.EachAddress)
	b.WriteString(";\n")
}

// quoteWord returns a word as the configuration parser reads it.
func quoteWord(word string) string {
	if !strings.ContainsAny(word, " \t\r\n;{}\"'\\#$") {
		return word
	}
	return "\"" + strings.NewReplacer("\\", "\\\\", "\"", "\\\"").Replace(word) + "\""
}
