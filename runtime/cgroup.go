package runtime

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"weir/internal/errorlog"
)

// groupLimits are the limits of the control group that the process is in, as container engines and systemd set them.
type groupLimits struct {
	cpus   float64 // how many processors' time the group may use; 0: no limit
	memory int64   // bytes; 0: no limit
}

// noMemoryLimit is where numbers begin that stand for no limit. Version 1 writes the largest multiple of a page.
const noMemoryLimit = 1 << 60

// readGroupLimits reads the limits from the files of a system whose root directory is root, of version 1 and 2 of control groups. What
// is not there or not understood is no limit.
func readGroupLimits(root fs.FS) groupLimits {
	var l groupLimits
	for _, h := range hierarchies(root) {
		for _, dir := range h.levels() {
			l.take(h.limitsOf(root, dir))
		}
	}
	return l
}

// take keeps the lower one of each limit.
func (l *groupLimits) take(other groupLimits) {
	if other.cpus > 0 && (l.cpus == 0 || other.cpus < l.cpus) {
		l.cpus = other.cpus
	}
	if other.memory > 0 && other.memory < noMemoryLimit && (l.memory == 0 || other.memory < l.memory) {
		l.memory = other.memory
	}
}

// workers is how many event loops are worth having: one for each of the processors, but no more than a quota lets run, rounded up.
func (l groupLimits) workers(processors int) int {
	if l.cpus == 0 {
		return processors
	}
	return max(1, min(processors, int(math.Ceil(l.cpus))))
}

// memoryPercent is the share of a memory limit that the Go runtime is to keep to. The rest is for what it does not count.
const memoryPercent = 90

// memoryLimitVar sets the limit of the Go runtime, and goes before that of the group.
const memoryLimitVar = "GOMEMLIMIT"

// softMemory is the limit that the Go runtime gets: beyond it, it collects garbage more often. 0: none is set here.
func (l groupLimits) softMemory() int64 {
	if os.Getenv(memoryLimitVar) != "" {
		return 0
	}
	return l.memory / 100 * memoryPercent
}

// apply sets the limit of the Go runtime.
func (l groupLimits) apply() {
	if soft := l.softMemory(); soft > 0 {
		debug.SetMemoryLimit(soft)
	}
}

// say logs the limits that were found, and what they lead to.
func (l groupLimits) say(c *console, loops int) {
	if l.cpus > 0 {
		c.log(errorlog.Notice, "the control group has a quota of %.2f CPUs, event loops: %d", l.cpus, loops)
	}
	switch soft := l.softMemory(); {
	case l.memory == 0:
	case soft == 0:
		c.log(errorlog.Notice, "the control group has a memory limit of %d bytes, %s is set", l.memory, memoryLimitVar)
	default:
		c.log(errorlog.Notice, "the control group has a memory limit of %d bytes, soft limit: %d", l.memory, soft)
	}
}

// A hierarchy is a mounted tree of control groups.
type hierarchy struct {
	controllers string // between commas; empty: version 2
	mount       string // where it is mounted, without the first slash
	group       string // the path of the process's group below that; empty: the mount itself
}

// levels lists the directories of the process's group and of those around it, as far as they are mounted.
func (h hierarchy) levels() []string {
	var dirs []string
	for group := h.group; group != "" && group != "."; group = path.Dir(group) {
		dirs = append(dirs, path.Join(h.mount, group))
	}
	return append(dirs, h.mount)
}

func (h hierarchy) limitsOf(root fs.FS, dir string) (l groupLimits) {
	if h.controllers == "" {
		l.cpus = quota(words(root, dir, "cpu.max"))
		l.take(groupLimits{memory: first(words(root, dir, "memory.max"))})
		l.take(groupLimits{memory: first(words(root, dir, "memory.high"))})
		return l
	}
	l.cpus = quota(append(words(root, dir, "cpu.cfs_quota_us"), words(root, dir, "cpu.cfs_period_us")...))
	l.memory = first(words(root, dir, "memory.limit_in_bytes"))
	return l
}

// quota is how many processors a quota in a period stands for; 0: no limit.
func quota(words []string) float64 {
	if len(words) < 2 {
		return 0
	}
	quota, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		return 0 // "max"
	}
	period, err := strconv.ParseFloat(words[1], 64)
	if err != nil || !(quota > 0 && period > 0) {
		return 0
	}
	return quota / period
}

// first is the first word as a number; 0 if it is none.
func first(words []string) int64 {
	if len(words) == 0 {
		return 0
	}
	n, err := strconv.ParseInt(words[0], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func words(root fs.FS, dir, name string) []string {
	text, err := fs.ReadFile(root, path.Join(dir, name))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text))
}

// hierarchies lists those that the process is in and that are mounted.
func hierarchies(root fs.FS) []hierarchy {
	groups := groupsOf(root)
	mounts, err := fs.ReadFile(root, "proc/self/mountinfo")
	if err != nil {
		return nil
	}
	var all []hierarchy
	for line := range bytes.Lines(mounts) {
		if h, ok := parseMount(string(line), groups); ok {
			all = append(all, h)
		}
	}
	return all
}

// groupsOf returns the path of the process's group by controller; that of version 2 has the empty name.
func groupsOf(root fs.FS) map[string]string {
	groups := map[string]string{}
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return groups
	}
	for line := range strings.Lines(string(text)) {
		fields := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(fields) < 3 {
			continue
		}
		for _, controller := range strings.Split(fields[1], ",") {
			groups[controller] = fields[2]
		}
	}
	return groups
}

// parseMount reads a line of mountinfo: the fourth field is the directory of the tree that is mounted, the fifth where; after a dash
// follow the type, the source and the options.
func parseMount(line string, groups map[string]string) (h hierarchy, ok bool) {
	fields := strings.Fields(line)
	dash := slices.Index(fields, "-")
	if dash < 5 || len(fields) < dash+4 {
		return h, false
	}
	h.mount = strings.TrimPrefix(fields[4], "/")
	var group string
	switch fields[dash+1] {
	case "cgroup2":
		group, ok = groups[""]
	case "cgroup":
		for _, option := range strings.Split(fields[dash+3], ",") {
			if option == "cpu" || option == "memory" {
				h.controllers = option
				group, ok = groups[option]
			}
		}
	}
	if below, found := strings.CutPrefix(group, strings.TrimSuffix(fields[3], "/")); found && fs.ValidPath(strings.TrimPrefix(below, "/")) {
		h.group = strings.TrimPrefix(below, "/")
	}
	return h, ok
}
