// Package proc measures what other processes use, from outside: CPU time, memory, descriptors. Linux only.
package proc
