//go:build !linux

package runtime

import "weir/directives"

// separates returns false: the process keeps its rights.
func separates(Options, paths) (bool, []string) { return false, nil }

// keepRights is not called.
func keepRights(Options, *console, *signalSet, []string) int { return exitFailed }

// CommandLine returns args.
func CommandLine(args []string) ([]string, error) { return args, nil }

// setTitle does nothing.
func setTitle(string) {}

// followParent does nothing.
func (m *Master) followParent() {}

// passEnv does nothing.
func (m *Master) passEnv(*directives.Main) {}

// informParent does nothing.
func (m *Master) informParent() {}

// dropRights does nothing.
func (m *Master) dropRights(*directives.Main) {}
