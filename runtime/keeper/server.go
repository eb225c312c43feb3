//go:build linux

package keeper

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// A Pid is the pid file of the parent. The client gets errors of the types *os.SyscallError and *os.LinkError
// again, and the system's reason for others.
type Pid interface {
	Write(path string) error
	Remove() error
	SetAside() error
	Restore() error
}

// A Parent does what the process may ask beyond files and sockets. All methods are called by Serve.
type Parent interface {
	Glob(pattern string) ([]string, error)
	OpenAppend(path string) (*os.File, error)
	SetEnv(entries []string)
	StartBinary(sockets []int) (pid int, err error)
	SetLog(*os.File)
}

// A Server is the parent's side of the socket pair. Until the process is ready it has all rights itself, and
// what it asks for defines what the parent does later: read files in the directories of the files that were
// read, append to the logs that were opened, write the pid file that was written, and give a new binary the
// values of variables that were set.
type Server struct {
	Parent Parent
	Pid    Pid
	Args   []string // the command line

	IsReady    bool
	Kept       []int    // the kept sockets
	readable   []string // directories
	appendable []string // files
	pidPaths   []string
	bound      []string // the files of bound sockets
	settable   []string // NAME=VALUE
}

// Serve answers requests from socket until the process closes its end.
func (s *Server) Serve(socket int) error {
	for {
		var q request
		files, err := receive(socket, &q)
		if err != nil {
			closeAll(files)
			return err
		}
		r, passed := s.answer(q, files)
		closeAll(files)
		err = send(socket, r, passed...)
		closeAll(passed)
		if errors.Is(err, syscall.E2BIG) {
			err = send(socket, reply{Errno: syscall.E2BIG})
		}
		if err != nil {
			return err
		}
	}
}

// answer does what is asked, with the passed files. The caller closes all files.
func (s *Server) answer(q request, files []int) (r reply, passed []int) {
	switch q.Kind {
	case askArgs:
		return s.args(), nil
	case openRead, openAppend:
		return s.open(q)
	case matchPattern:
		return s.glob(q.Path), nil
	case bindSocket:
		return s.bind(q, files), nil
	case removeSocket:
		return s.unlink(q.Path), nil
	case dropSockets:
		closeAll(s.Kept)
		s.Kept = nil
	case keepSockets:
		return s.keep(files), nil
	case writePid, removePid, setAsidePid, restorePid:
		return s.pid(q), nil
	case setEnv:
		return s.setEnv(q.Env), nil
	case startBinary:
		pid, err := s.Parent.StartBinary(s.Kept)
		return reply{PID: pid, Errno: errnoOf(err)}, nil
	case becomeReady:
		s.IsReady = true
	case setLog:
		return s.setLog(files), nil
	default:
		return reply{Errno: syscall.ENOSYS}, nil
	}
	return reply{}, nil
}

// args returns the command line.
func (s *Server) args() (r reply) {
	for _, arg := range s.Args {
		r.Args = append(r.Args, []byte(arg))
	}
	return r
}

// errnoOf returns the system's reason for an error.
func errnoOf(err error) syscall.Errno {
	var errno syscall.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &errno):
		return errno
	}
	return syscall.EIO
}

// permit reports whether a request for path is allowed; before the process is ready, allowed learns what it
// asks for.
func (s *Server) permit(allowed *[]string, path string, matches func(allowed string) bool) bool {
	if !filepath.IsAbs(path) || strings.ContainsRune(path, 0) {
		return false
	}
	if !s.IsReady && !slices.Contains(*allowed, path) {
		*allowed = append(*allowed, path)
	}
	return slices.ContainsFunc(*allowed, matches)
}

// mayRead reports whether the parent opens path for reading.
func (s *Server) mayRead(path string) bool {
	dir := filepath.Dir(path)
	return s.permit(&s.readable, dir, func(a string) bool {
		return a == dir || a != "/" && strings.HasPrefix(dir, a+"/")
	})
}

// open opens a file.
func (s *Server) open(q request) (r reply, passed []int) {
	var f *os.File
	var err error
	switch {
	case q.Kind == openRead && s.mayRead(q.Path):
		f, err = os.OpenFile(filepath.Clean(q.Path), os.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	case q.Kind == openAppend && s.permit(&s.appendable, q.Path, func(a string) bool { return a == q.Path }):
		f, err = s.Parent.OpenAppend(q.Path)
	default:
		err = syscall.EPERM
	}
	if err != nil {
		return reply{Errno: errnoOf(err)}, nil
	}
	defer f.Close()
	fd, err := duplicateOf(f)
	if err != nil {
		return reply{Errno: errnoOf(err)}, nil
	}
	return reply{}, []int{fd}
}

// duplicateOf returns a duplicate of the descriptor of f.
func duplicateOf(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return -1, err
	}
	var failed error
	err = raw.Control(func(n uintptr) { fd, failed = unix.FcntlInt(n, unix.F_DUPFD_CLOEXEC, 0) })
	return fd, errors.Join(err, failed)
}

// glob lists the paths that match a pattern. With ".." after a "*", they can be in other directories.
func (s *Server) glob(pattern string) reply {
	dir, _, _ := strings.Cut(pattern, "*")
	if !s.mayRead(dir) {
		return reply{Errno: syscall.EPERM}
	}
	paths, err := s.Parent.Glob(pattern)
	paths = slices.DeleteFunc(paths, func(path string) bool { return !s.mayRead(path) })
	return reply{Paths: paths, Errno: errnoOf(err)}
}

// bind binds a socket. The file of a socket of UNIX gets its mode as it is created.
func (s *Server) bind(q request, files []int) reply {
	at, err := q.At.decode()
	if err != nil || len(files) != 1 {
		return reply{Errno: syscall.EINVAL}
	}
	before := syscall.Umask(0o111)
	defer syscall.Umask(before)
	if err := unix.Bind(files[0], at); err != nil {
		return reply{Errno: errnoOf(err)}
	}
	s.noteFile(at)
	return reply{}
}

// noteFile notes the file of a socket, which the process may remove.
func (s *Server) noteFile(at unix.Sockaddr) {
	if at, named := at.(*unix.SockaddrUnix); named && !slices.Contains(s.bound, at.Name) {
		s.bound = append(s.bound, at.Name)
	}
}

// unlink removes the file of a socket, if it is one.
func (s *Server) unlink(path string) reply {
	if !s.permit(&s.bound, path, func(a string) bool { return a == path }) {
		return reply{Errno: syscall.EPERM}
	}
	info, err := os.Lstat(path)
	if err != nil {
		return reply{Errno: errnoOf(err)}
	}
	if info.Mode().Type() != fs.ModeSocket {
		return reply{Errno: syscall.EPERM}
	}
	return reply{Errno: errnoOf(os.Remove(path))}
}

// keep keeps duplicates of sockets. Those of the start may be inherited, and were then bound by another process.
func (s *Server) keep(files []int) reply {
	for _, fd := range files {
		kept, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return reply{Errno: errnoOf(err)}
		}
		s.Kept = append(s.Kept, kept)
		if at, err := unix.Getsockname(kept); err == nil && !s.IsReady {
			s.noteFile(at)
		}
	}
	return reply{}
}

// pid changes the pid file.
func (s *Server) pid(q request) reply {
	var err error
	switch {
	case q.Kind == removePid:
		err = s.Pid.Remove()
	case q.Kind == setAsidePid:
		err = s.Pid.SetAside()
	case q.Kind == restorePid:
		err = s.Pid.Restore()
	case s.permit(&s.pidPaths, q.Path, func(a string) bool { return a == q.Path }):
		err = s.Pid.Write(q.Path)
	default:
		err = &os.SyscallError{Syscall: "open() \"" + q.Path + "\"", Err: syscall.EPERM}
	}
	r := reply{Errno: errnoOf(err)}
	if failed, ok := errors.AsType[*os.SyscallError](err); ok {
		r.Op = failed.Syscall
	}
	if failed, ok := errors.AsType[*os.LinkError](err); ok {
		r.Path, r.To = failed.Old, failed.New
	}
	return r
}

// setEnv passes the entries of env to the parent. A variable that an entry only names has the parent's own value.
func (s *Server) setEnv(texts [][]byte) reply {
	var entries []string
	for _, text := range texts {
		e := string(text)
		entries = append(entries, e)
		switch {
		case strings.ContainsRune(e, 0):
			return reply{Errno: syscall.EINVAL}
		case !strings.Contains(e, "="):
		case !s.IsReady:
			s.settable = append(s.settable, e)
		case !slices.Contains(s.settable, e):
			return reply{Errno: syscall.EPERM}
		}
	}
	s.Parent.SetEnv(entries)
	return reply{}
}

// setLog passes a duplicate of the file to the parent.
func (s *Server) setLog(files []int) reply {
	if len(files) != 1 {
		return reply{Errno: syscall.EINVAL}
	}
	fd, err := unix.FcntlInt(uintptr(files[0]), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return reply{Errno: errnoOf(err)}
	}
	s.Parent.SetLog(os.NewFile(uintptr(fd), "log"))
	return reply{}
}
