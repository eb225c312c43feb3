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

// groupLimits are the limits of the control group of the process, as set by container engines and
// systemd.
type groupLimits struct {
	cpus   float64 // the processor time that the group may use, in processors; 0 means no limit
	memory int64   // bytes; 0 means no limit
}

// noMemoryLimit is the smallest number that means no limit. Version 1 writes the largest multiple of a
// page.
const noMemoryLimit = 1 << 60

// readGroupLimits reads the limits from the files of a system with the root directory root, for versions
// 1 and 2 of control groups. A missing or invalid value means no limit.
func readGroupLimits(root fs.FS) groupLimits {
	var l groupLimits
	for _, h := range hierarchies(root) {
		for _, dir := range h.levels() {
			l.take(h.limitsOf(root, dir))
		}
	}
	return l
}

// take keeps the lower value of each limit.
func (l *groupLimits) take(other groupLimits) {
	if other.cpus > 0 && (l.cpus == 0 || other.cpus < l.cpus) {
		l.cpus = other.cpus
	}
	if other.memory > 0 && other.memory < noMemoryLimit && (l.memory == 0 || other.memory < l.memory) {
		l.memory = other.memory
	}
}

// workers returns the useful number of event loops: one per processor, but at most the CPU quota,
// rounded up.
func (l groupLimits) workers(processors int) int {
	if l.cpus == 0 {
		return processors
	}
	return max(1, min(processors, int(math.Ceil(l.cpus))))
}

// memoryPercent is the share of the memory limit that is given to the Go runtime. The rest is for memory
// that the runtime does not count.
const memoryPercent = 90

// memoryLimitVar sets the limit of the Go runtime, and has precedence over the limit of the group.
const memoryLimitVar = "GOMEMLIMIT"

// softMemory returns the memory limit for the Go runtime, above which it collects garbage more often. 0
// leaves the limit unchanged.
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

// log logs the limits that were found, and the resulting settings.
func (l groupLimits) log(c *console, loops int) {
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
	controllers string // separated by commas; empty for version 2
	mount       string // the mount point, without the first slash
	group       string // the path of the process's group below the mount; empty means the mount itself
}

// levels lists the directories of the process's group and of its ancestors, as far as they are mounted.
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

// quota returns the number of processors that a quota and a period allow; 0 means no limit.
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

// first returns the first word as a number; 0 if it is not a number.
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

// hierarchies lists the mounted hierarchies that contain the process.
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

// groupsOf returns the path of the process's group by controller; the key of version 2 is empty.
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
		for controller := range strings.SplitSeq(fields[1], ",") {
			groups[controller] = fields[2]
		}
	}
	return groups
}

// parseMount parses a line of mountinfo: the fourth field is the mounted directory of the tree, the fifth
// the mount point; after a dash follow the type, the source and the options.
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
		for option := range strings.SplitSeq(fields[dash+3], ",") {
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
