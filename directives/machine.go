package directives

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"net/netip"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"weir/directives/conf"
	"weir/internal/getaddrinfo"
)

// MachineEnv returns an Env that asks this machine, without the paths and the identity of the
// process. It resolves names as nginx does while it reads a configuration: with the C library's
// getaddrinfo. ctx ends pending lookups.
func MachineEnv(ctx context.Context) *conf.Env {
	return &conf.Env{
		Now:         time.Now,
		ReadFile:    readFile,
		ReadState:   readFile,
		LookupHost:  func(name string) ([]netip.Addr, error) { return getaddrinfo.Lookup(ctx, name) },
		UserID:      userID,
		GroupExists: groupExists,
		Hostname:    machineName,
	}
}

// readFile returns as many bytes of the file as its size at opening: none of a device or a pipe,
// which may have no end.
func readFile(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return ReadOpen(f)
}

// ReadOpen is readFile for an open file.
func ReadOpen(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > math.MaxInt {
		return nil, &fs.PathError{Op: "read", Path: f.Name(), Err: syscall.EFBIG}
	}
	content := make([]byte, info.Size())
	n, err := io.ReadFull(f, content)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return content[:n], err
}

// usersFile is the list of users.
const usersFile = "/etc/passwd"

func userID(name string) (int, error) {
	u, err := user.Lookup(name)
	if err == nil {
		return strconv.Atoi(u.Uid)
	}
	if _, missing := os.Stat(usersFile); errors.Is(missing, fs.ErrNotExist) {
		return 0, missing
	}
	return 0, err
}

func groupExists(name string) bool {
	_, err := user.LookupGroup(name)
	return err == nil
}

func machineName() string {
	name, _ := os.Hostname()
	return name
}
