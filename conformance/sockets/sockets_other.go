//go:build !linux

// Package sockets inspects the sockets of other processes; it works on Linux only.
package sockets

import (
	"errors"
	"net/netip"
)

var errSystem = errors.New("the sockets of other processes can be seen on Linux only")

// A Socket is a socket of another process.
type Socket int

// Of returns an error.
func Of(int) ([]Socket, error) { return nil, errSystem }

// Close does nothing.
func (Socket) Close() {}

// Local returns the zero address.
func (Socket) Local() netip.AddrPort { return netip.AddrPort{} }

// Remote returns the zero address.
func (Socket) Remote() netip.AddrPort { return netip.AddrPort{} }

// Listening returns false.
func (Socket) Listening() bool { return false }

// Option returns an error.
func (Socket) Option(string) (int, error) { return 0, errSystem }
