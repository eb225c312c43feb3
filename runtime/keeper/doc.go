// Package keeper lets a process without rights use those of its parent, through one socket pair. The parent
// opens files by name, binds sockets, keeps duplicates of them and starts a new binary; it reads nothing but
// these requests, and does nothing by itself. It is for Linux only.
package keeper
