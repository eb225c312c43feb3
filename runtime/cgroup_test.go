package runtime

import (
	"runtime/debug"
	"slices"
	"testing"
	"testing/fstest"
)

const (
	mountV2     = "30 20 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
	mountV1     = "31 20 0:27 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n32 20 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	mountInside = "31 20 0:27 /docker/a /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n32 20 0:28 /docker/a /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	otherMounts = "20 1 8:1 / / rw - ext4 /dev/sda1 rw\nshort\n"
)

func TestGroupLimits(t *testing.T) {
	tests := []struct {
		name   string
		group  string // proc/self/cgroup
		mounts string
		files  map[string]string // below sys/fs/cgroup
		want   groupLimits
	}{
		{"version 2, in a container", "0::/\n", mountV2, map[string]string{"cpu.max": "150000 100000\n", "memory.max": "50331648\n"},
			groupLimits{1.5, 50331648}},
		{"version 2, a service of systemd", "0::/system.slice/weir.service\n", mountV2, map[string]string{
			"system.slice/weir.service/cpu.max": "max 100000\n", "system.slice/weir.service/memory.max": "max\n",
			"system.slice/weir.service/memory.high": "1000\n", "system.slice/cpu.max": "50000 100000\n", "system.slice/memory.max": "2000\n",
		}, groupLimits{0.5, 1000}},
		{"version 2, no limits", "0::/\n", mountV2, map[string]string{"cpu.max": "max 100000\n", "memory.max": "max\n"}, groupLimits{}},
		{"version 2, a group that is not mounted", "0::/../other\n", mountV2, map[string]string{"cpu.max": "100000 100000\n"}, groupLimits{1, 0}},
		{"version 1", "4:memory:/a/b\n3:cpu,cpuacct:/c\n0::/\n", mountV1, map[string]string{
			"memory/a/b/memory.limit_in_bytes": "9223372036854771712\n", "memory/a/memory.limit_in_bytes": "123456\n",
			"cpu,cpuacct/c/cpu.cfs_quota_us": "200000\n", "cpu,cpuacct/c/cpu.cfs_period_us": "100000\n", "cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
			"cpu,cpuacct/cpu.cfs_period_us": "100000\n",
		}, groupLimits{2, 123456}},
		{"version 1, in a container", "4:memory:/docker/a\n3:cpu:/docker/a\n", mountInside, map[string]string{
			"memory/memory.limit_in_bytes": "123456\n", "cpu/cpu.cfs_quota_us": "25000\n", "cpu/cpu.cfs_period_us": "100000\n",
		}, groupLimits{0.25, 123456}},
		{"nonsense", "0::/\nx\n", mountV2, map[string]string{"cpu.max": "1 0\n", "memory.max": "-7\n"}, groupLimits{}},
		{"no control groups", "", "", nil, groupLimits{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := fstest.MapFS{
				"proc/self/cgroup":    {Data: []byte(tt.group)},
				"proc/self/mountinfo": {Data: []byte(otherMounts + tt.mounts)},
			}
			for name, text := range tt.files {
				root["sys/fs/cgroup/"+name] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := readGroupLimits(root); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestGroupLimitsWithoutControlGroup(t *testing.T) {
	if got := readGroupLimits(fstest.MapFS{}); got != (groupLimits{}) {
		t.Errorf("got %+v, want none", got)
	}
}

func TestWorkersFollowTheCPUQuota(t *testing.T) {
	for _, tt := range []struct {
		cpus             float64
		processors, want int
	}{
		{0, 8, 8}, {0.1, 8, 1}, {1, 8, 1}, {1.01, 8, 2}, {7.5, 8, 8}, {64, 8, 8}, {0, 1, 1},
	} {
		if got := (groupLimits{cpus: tt.cpus}).workers(tt.processors); got != tt.want {
			t.Errorf("%v of %d processors: got %d, want %d", tt.cpus, tt.processors, got, tt.want)
		}
	}
}

// TestMemoryLimitOfTheRuntime checks that the Go runtime gets a share of the limit, unless the environment has one.
func TestMemoryLimitOfTheRuntime(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	t.Setenv(memoryLimitVar, "1GiB")
	(groupLimits{memory: 1 << 30}).apply()
	if got := debug.SetMemoryLimit(-1); got != before {
		t.Errorf("with %s: got %d, want %d", memoryLimitVar, got, before)
	}
	t.Setenv(memoryLimitVar, "")
	(groupLimits{memory: 1 << 30}).apply()
	if got, want := debug.SetMemoryLimit(-1), int64(1<<30)/100*90; got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestGroupLimitsAreLogged(t *testing.T) {
	tests := []struct {
		name string
		l    groupLimits
		env  string
		want []string
	}{
		{"none", groupLimits{}, "", nil},
		{"both", groupLimits{1.5, 1000}, "", []string{
			"[notice] the control group has a quota of 1.50 CPUs, event loops: 2",
			"[notice] the control group has a memory limit of 1000 bytes, soft limit: 900",
		}},
		{"a limit of the environment", groupLimits{memory: 1000}, "1GiB", []string{
			"[notice] the control group has a memory limit of 1000 bytes, GOMEMLIMIT is set",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Setenv(memoryLimitVar, tt.env)
			var log recorder
			tt.l.log(&console{errorLog: log.log()}, 2)
			if got := log.take(); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
