package errorlog

// Level is the severity of a message; a smaller one is worse.
//
// See error_log in https://nginx.org/en/docs/ngx_core_module.html.
type Level uint8

// The levels, worst first.
const (
	Emerg Level = iota + 1
	Alert
	Crit
	Error
	Warn
	Notice
	Info
	Debug
)

var names = [...]string{"", "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug"}

// String returns the level's name as error_log spells it.
func (l Level) String() string { return names[l] }

// ParseLevel returns the level of that name.
func ParseLevel(name string) (Level, bool) {
	for i, n := range names {
		if i > 0 && n == name {
			return Level(i), true
		}
	}
	return 0, false
}
