package peers

import (
	"fmt"
	"io"
)

// Echo sends back what it reads.
func Echo(c *Conn) { io.Copy(c, c) }

// Sink reads all and answers nothing.
func Sink(c *Conn) { io.Copy(io.Discard, c) }

// Closing closes what it accepts.
func Closing(c *Conn) { c.Close() }

// Named sends name and a newline, then echoes. A script learns from it which peer was chosen.
func Named(name string) Serve {
	return func(c *Conn) {
		fmt.Fprintln(c, name)
		Echo(c)
	}
}
