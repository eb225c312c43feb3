package runtime

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"weir/directives"
	"weir/internal/errorlog"
)

// dropRights changes to the user of the first configuration. Without a parent the process keeps its rights.
func (m *Master) dropRights(main *directives.Main) {
	if m.files.parent == nil || main.User == "" {
		return
	}
	if first := m.latest; first != nil {
		if before := &first.Program.Main; before.User != main.User || before.Group != main.Group || !before.Transparent && main.Transparent {
			m.console.log(errorlog.Warn, "the user and its rights change with the next start only")
		}
		return
	}
	if err := dropRights(main.User, main.Group, main.Transparent); err != nil {
		m.console.log(errorlog.Emerg, "%v", err)
		m.console.out.wait(exitTimeout)
		os.Exit(exitFatal)
	}
}

// exitFatal is nginx's exit code of a worker process that cannot be started again.
const exitFatal = 2

// dropRights makes the process that of a user and a group, with no capability but the one for foreign source addresses, if
// that is kept, and no way to get others. It applies to all threads.
func dropRights(name, group string, keepRaw bool) error {
	u, err := user.Lookup(name)
	if err != nil {
		return fmt.Errorf("getpwnam(\"%s\") failed", name)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, groups, err := groupsOfUser(u, group)
	if err != nil {
		return err
	}
	if err := syscall.Setgroups(groups); err != nil {
		return &sysError{fmt.Sprintf("initgroups(%s, %d)", name, gid), err}
	}
	if err := syscall.Setgid(gid); err != nil {
		return &sysError{fmt.Sprintf("setgid(%d)", gid), err}
	}
	if keepRaw {
		if errno := prctl(unix.PR_SET_KEEPCAPS, 1); errno != 0 {
			return &sysError{"prctl(PR_SET_KEEPCAPS, 1)", errno}
		}
	}
	if err := syscall.Setuid(uid); err != nil {
		return &sysError{fmt.Sprintf("setuid(%d)", uid), err}
	}
	if errno := setCapabilities(keepRaw); errno != 0 {
		return &sysError{"capset()", errno}
	}
	if errno := prctl(unix.PR_SET_NO_NEW_PRIVS, 1); errno != 0 {
		return &sysError{"prctl(PR_SET_NO_NEW_PRIVS)", errno}
	}
	unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0) // for core dumps, and for /proc/self
	return nil
}

// groupsOfUser returns the number of the group, and all groups of the user with it.
func groupsOfUser(u *user.User, group string) (gid int, all []int, err error) {
	g, err := user.LookupGroup(group)
	if err != nil {
		return 0, nil, fmt.Errorf("getgrnam(\"%s\") failed", group)
	}
	gid, _ = strconv.Atoi(g.Gid)
	all = []int{gid}
	more, err := u.GroupIds()
	if err != nil {
		return gid, all, nil
	}
	for _, text := range more {
		if n, err := strconv.Atoi(text); err == nil && n != gid && text != u.Gid {
			all = append(all, n)
		}
	}
	return gid, all, nil
}

// prctl sets an attribute of all threads.
func prctl(option int, value uintptr) syscall.Errno {
	_, _, errno := syscall.AllThreadsSyscall6(unix.SYS_PRCTL, uintptr(option), value, 0, 0, 0, 0)
	return errno
}

// setCapabilities removes all capabilities of all threads, except that for foreign source addresses if it is kept.
func setCapabilities(keepRaw bool) syscall.Errno {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if keepRaw {
		data[0].Effective = 1 << unix.CAP_NET_RAW
		data[0].Permitted = 1 << unix.CAP_NET_RAW
	}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&data[0])), 0)
	return errno
}
