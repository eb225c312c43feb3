package runtime

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"weir/stream"
	"weir/stream/errorlog"
)

// As ngx_open_listening_sockets: an address in use may be a predecessor's that is about to go.
const (
	bindAttempts = 5
	bindPause    = 500 * time.Millisecond
)

var errStillInUse = errors.New("still could not bind()")

// A port is a listening socket with what was asked of it.
type port struct {
	*socket
	options stream.ListenOptions
	serving *stream.Port // what the driver knows it by; nil until it serves
}

// A portSet holds the listening sockets of the process by address. It belongs to one goroutine.
type portSet map[stream.Addr]*port

// missing lists what has no socket yet, in the order of the configuration.
func (ps portSet) missing(listens []*stream.Listen) []*stream.Listen {
	return slices.DeleteFunc(slices.Clone(listens), func(l *stream.Listen) bool { return ps[l.Addr] != nil })
}

// superfluous lists the ports that none of listens means.
func (ps portSet) superfluous(listens map[stream.Addr]*stream.Listen) []*port {
	var all []*port
	for addr, p := range ps {
		if listens[addr] == nil {
			all = append(all, p)
		}
	}
	return all
}

// A binder opens sockets.
type binder struct {
	console *console
	pause   time.Duration // between two attempts
	// testing forgives an address in use, as nginx -t does, and takes no part in SO_REUSEPORT: it would take connections.
	testing bool
}

// bind opens a socket for each of listens. Those that it returns before an error are for the caller to close.
func (b binder) bind(listens []*stream.Listen) ([]*port, error) {
	var bound []*port
	for range bindAttempts {
		some, failed, err := b.attempt(listens)
		bound = append(bound, some...)
		if err != nil || len(failed) == 0 || b.testing {
			return bound, err
		}
		b.console.say(errorlog.Notice, "try again to bind() after %dms", b.pause.Milliseconds())
		time.Sleep(b.pause)
		listens = failed
	}
	return bound, errStillInUse
}

// attempt tries each once, and returns those whose address is in use besides those bound.
func (b binder) attempt(listens []*stream.Listen) (bound []*port, inUse []*stream.Listen, err error) {
	for _, l := range listens {
		p, err := b.open(l)
		switch {
		case err == nil:
			bound = append(bound, p)
		case !errors.Is(err, unix.EADDRINUSE):
			return bound, inUse, err
		default:
			inUse = append(inUse, l)
			if !b.testing {
				b.console.say(errorlog.Emerg, "%v", err)
			}
		}
	}
	return bound, inUse, nil
}

func (b binder) open(l *stream.Listen) (*port, error) {
	wanted := *l
	if b.testing {
		wanted.Options.ReusePort = false
	}
	s, err := listenOn(&wanted)
	if err != nil {
		return nil, err
	}
	s.configure(nil, wanted.Options, b.console)
	return &port{socket: s, options: l.Options}, nil
}

// discard closes a port that has never served, and removes its file.
func (p *port) discard() {
	p.unlink()
	p.close()
}
