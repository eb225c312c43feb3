// Package proc measures the CPU time, memory and descriptors of other processes, from outside.
// Linux only.
package proc
