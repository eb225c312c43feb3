// Package conf turns a parsed configuration into settings by tables. The tables define the
// directives, their contexts and arguments, and what each one sets.
package conf

import "slices"

// Context is a set of kinds of blocks in which a directive is allowed.
type Context uint16

// The contexts. Server is that of stream {}. Foreign is the inside of blocks that weir skips; directives
// there are never looked up.
const (
	Main Context = 1 << iota
	Events
	Stream
	Server
	Upstream
	Mgmt
	HTTP
	HTTPServer
	Location
	LimitExcept
	IfInServer
	IfInLocation
	Foreign
)

// contextNames are nginx's names of the contexts, in the order of the constants.
var contextNames = [...]string{
	"main", "events", "stream", "server", "upstream", "mgmt", "http", "server", "location", "limit_except", "if in server", "if in location",
}

// names lists the contexts of c that weir reads, each name once.
func (c Context) names() (all []string) {
	for i, name := range contextNames {
		if c&(1<<i) != 0 && !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	return all
}

// An Arity is the set of numbers of arguments that a directive takes.
type Arity struct {
	counts uint32 // bit n: n arguments are allowed
	open   bool   // from or more arguments are allowed too
	from   int
}

// Take allows each of the counts given, all below 32.
func Take(counts ...int) Arity {
	var a Arity
	for _, n := range counts {
		a.counts |= 1 << n
	}
	return a
}

// AtLeast allows n arguments and more.
func AtLeast(n int) Arity { return Arity{open: true, from: n} }

// OnOff is the arity of a flag: one argument.
var OnOff = Take(1)

// None is the arity of a directive without arguments.
var None = Take(0)

// allows reports whether n arguments are allowed.
func (a Arity) allows(n int) bool {
	if a.open && n >= a.from {
		return true
	}
	return n < 32 && a.counts&(1<<n) != 0
}

// Body is the kind of text after a directive's arguments.
type Body int

// The bodies.
const (
	Simple  Body = iota // a semicolon
	Nested              // a block of directives
	Pairs               // a block with its own grammar, as in map and geo
	Skipped             // a block that is not read
)

// Support is the level at which weir supports a directive.
type Support int

// The levels of support.
const (
	Full    Support = iota // as nginx
	Inert                  // accepted and validated, but has no effect, mostly because weir is one process
	Refused                // known but not supported yet: the configuration is refused with a message
)

// String returns the name of the level in the coverage table.
func (s Support) String() string { return [...]string{"full", "inert", "refused"}[s] }

// An Entry is one row of a Table. C is the settings that the directive changes: those of the level where
// it stands.
type Entry[C any] struct {
	Name    string
	In      Context
	Args    Arity
	Body    Body
	Default string  // as documented
	Repeat  bool    // if false, a second use at one level is `"x" directive is duplicate`
	Support Support // Inert and Refused need no Set
	// Extension marks a directive that nginx does not have.
	Extension bool
	// Own lists the parameters that nginx does not have. Each has a section in docs/extensions.md, as an Extension has.
	Own []string
	Set func(*C, *Call)
}

// A Row is an Entry without its type, for the walk and the tests.
type Row struct {
	Module    string
	Name      string
	In        Context
	Args      Arity
	Body      Body
	Default   string
	Repeat    bool
	Support   Support
	Extension bool
	Own       []string

	table int
	set   func(settings any, c *Call)
}
