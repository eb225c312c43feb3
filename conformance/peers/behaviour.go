package peers

import (
	"fmt"
	"io"
)

// Echo echoes its input.
func Echo(c *Conn) { io.Copy(c, c) }

// Sink discards its input and sends nothing.
func Sink(c *Conn) { io.Copy(io.Discard, c) }

// Closing closes connections on accept.
func Closing(c *Conn) { c.Close() }

// Named sends name and a newline, then echoes. The line identifies the chosen peer.
func Named(name string) Serve {
	return func(c *Conn) {
		fmt.Fprintln(c, name)
		Echo(c)
	}
}
