//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"weir/bench/load"
)

// brokerCommand is the argument that makes this program the broker. It ends when its standard input
// closes.
const brokerCommand = "broker"

// serveBroker runs the broker process: it prints its port and serves.
func serveBroker(in io.Reader, out io.Writer) error {
	if err := raiseDescriptors(); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	b, err := load.Listen(int(port), os.Stderr)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, b.Addr().Port())
	go func() {
		io.Copy(io.Discard, in)
		b.Stop()
	}()
	return b.Serve()
}

// A broker is the parent's handle of the broker process.
type broker struct {
	port  uint16
	cmd   *exec.Cmd
	stdin io.Closer // its standard input
}

func startBroker() (*broker, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, brokerCommand)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // an interrupt from the terminal must not end it before the others
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b := &broker{cmd: cmd, stdin: stdin}
	if b.port, err = readPort(out); err != nil {
		b.stop()
		return nil, fmt.Errorf("broker: %w", err)
	}
	return b, nil
}

func readPort(out io.Reader) (uint16, error) {
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return 0, err
	}
	port, err := strconv.ParseUint(strings.TrimSpace(line), 10, 16)
	return uint16(port), err
}

func (b *broker) stop() {
	b.stdin.Close()
	b.cmd.Wait()
}
