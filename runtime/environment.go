package runtime

import (
	"os"
	"slices"
	"strings"
)

// The variables that weir keeps beside those of the env directive: those of the Go runtime and of systemd.
var ownVariables = []string{
	"GODEBUG", "GOGC", "GOMAXPROCS", memoryLimitVar, "GOTRACEBACK",
	notifyVar, watchdogTimeVar, watchdogPIDVar,
}

// resolverVariables change how names in the configuration are looked up, which nginx's master does with its whole environment.
var resolverVariables = []string{"LOCALDOMAIN", "RES_OPTIONS"}

// environment returns what follows from the env directives entries for another process: as in ngx_set_environment, TZ, the
// variables that they name, and those that they set. It also has the variables in kept. The first of several
// values counts.
func environment(entries []string, kept ...string) (env []string) {
	names := slices.Concat(entries, kept)
	if !slices.ContainsFunc(entries, func(e string) bool { return variableOf(e) == "TZ" }) {
		names = append(names, "TZ")
	}
	for _, name := range names {
		if strings.Contains(name, "=") {
			env = append(env, name)
		} else if value, given := os.LookupEnv(name); given {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// variableOf returns the name of the variable in an env directive.
func variableOf(entry string) string {
	name, _, _ := strings.Cut(entry, "=")
	return name
}
