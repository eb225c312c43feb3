//go:build linux

package keeper

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// The kinds of requests.
const (
	askArgs      = "args"    // tell the arguments of the program
	openRead     = "read"    // open a file for reading
	openAppend   = "append"  // open a log, and create it
	matchPattern = "glob"    // list the paths that match a pattern
	bindSocket   = "bind"    // bind the passed socket
	removeSocket = "unlink"  // remove the file of a socket
	dropSockets  = "drop"    // close the kept sockets
	keepSockets  = "keep"    // keep duplicates of the passed sockets
	writePid     = "pid"     // write the number of the parent to a file
	removePid    = "nopid"   // remove the pid file
	setAsidePid  = "oldpid"  // rename the pid file for a new binary
	restorePid   = "backpid" // rename it back
	setEnv       = "env"     // use these entries of env for the new binary
	startBinary  = "start"   // start a new binary with the kept sockets
	becomeReady  = "ready"   // from now on, start the process again when it dies
	setLog       = "log"     // write to the passed file
)

// A request is a message to the parent; files may accompany it.
type request struct {
	Kind string
	Path string   `json:",omitempty"`
	At   *address `json:",omitempty"` // of the socket to bind
	Env  [][]byte `json:",omitempty"` // which need not be UTF-8
}

// A reply is the parent's answer; a file may accompany it.
type reply struct {
	Errno syscall.Errno `json:",omitempty"`
	Op    string        `json:",omitempty"` // the failed call
	Path  string        `json:",omitempty"` // the first path of a failed rename
	To    string        `json:",omitempty"` // the second path of a failed rename
	Paths []string      `json:",omitempty"`
	Args  [][]byte      `json:",omitempty"` // which need not be UTF-8
	PID   int           `json:",omitempty"`
}

// maxMessage is the largest message, and maxFiles the largest number of files with one.
const (
	maxMessage = 128 << 10
	maxFiles   = 200
)

var errMessage = errors.New("keeper: invalid message")

// send sends a message with files.
func send(socket int, message any, files ...int) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if len(text) > maxMessage {
		return syscall.E2BIG
	}
	var rights []byte
	if len(files) > 0 {
		rights = unix.UnixRights(files...)
	}
	for {
		if err = unix.Sendmsg(socket, text, rights, nil, unix.MSG_NOSIGNAL); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// receive receives a message into message, and returns its files. The error at the end is os.ErrClosed.
func receive(socket int, message any) (files []int, err error) {
	text := make([]byte, maxMessage)
	rights := make([]byte, unix.CmsgSpace(4*maxFiles))
	n, rn, flags, _, err := unix.Recvmsg(socket, text, rights, unix.MSG_CMSG_CLOEXEC)
	for errors.Is(err, unix.EINTR) {
		n, rn, flags, _, err = unix.Recvmsg(socket, text, rights, unix.MSG_CMSG_CLOEXEC)
	}
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, os.ErrClosed
	}
	if files, err = filesOf(rights[:rn]); err != nil {
		return files, err
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		return files, errMessage
	}
	return files, json.Unmarshal(text[:n], message)
}

// filesOf returns the descriptors of a control message.
func filesOf(rights []byte) (files []int, err error) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, err
	}
	for i := range messages {
		some, err := unix.ParseUnixRights(&messages[i])
		if err != nil {
			return files, err
		}
		files = append(files, some...)
	}
	return files, nil
}

func closeAll(files []int) {
	for _, fd := range files {
		unix.Close(fd)
	}
}

// An address is a socket address in a message.
type address struct {
	Path string `json:",omitempty"`
	IP   []byte `json:",omitempty"`
	Port int    `json:",omitempty"`
	Zone uint32 `json:",omitempty"`
}

func encodeAddr(at unix.Sockaddr) (*address, error) {
	switch at := at.(type) {
	case *unix.SockaddrUnix:
		return &address{Path: at.Name}, nil
	case *unix.SockaddrInet4:
		return &address{IP: at.Addr[:], Port: at.Port}, nil
	case *unix.SockaddrInet6:
		return &address{IP: at.Addr[:], Port: at.Port, Zone: at.ZoneId}, nil
	}
	return nil, syscall.EAFNOSUPPORT
}

func (a *address) decode() (unix.Sockaddr, error) {
	switch {
	case a == nil:
		return nil, syscall.EINVAL
	case len(a.IP) == 4:
		return &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(a.IP)}, nil
	case len(a.IP) == 16:
		return &unix.SockaddrInet6{Port: a.Port, ZoneId: a.Zone, Addr: [16]byte(a.IP)}, nil
	case filepath.IsAbs(a.Path):
		return &unix.SockaddrUnix{Name: a.Path}, nil
	}
	return nil, syscall.EINVAL
}
