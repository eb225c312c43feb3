// Package conf turns a parsed configuration into settings by tables: which directives exist, where, with what arguments, and what
// each one sets.
package conf

// Context is a set of places in a configuration where a directive may stand.
type Context uint16

// The places. Foreign is what belongs to blocks that weir skips; no directive of it is ever looked up.
const (
	Main Context = 1 << iota
	Events
	Stream
	Server
	Upstream
	Mgmt
	Match
	Foreign
)

// contextNames are nginx's names of the places, in the order of the constants.
var contextNames = [...]string{"main", "events", "stream", "server", "upstream", "mgmt", "match"}

// names lists the places of c that weir reads.
func (c Context) names() (all []string) {
	for i, name := range contextNames {
		if c&(1<<i) != 0 {
			all = append(all, name)
		}
	}
	return all
}

// An Arity says how many arguments a directive takes.
type Arity struct {
	counts uint32 // bit n: n arguments are right
	open   bool   // so are from and more
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

// allows reports whether n arguments are right.
func (a Arity) allows(n int) bool {
	if a.open && n >= a.from {
		return true
	}
	return n < 32 && a.counts&(1<<n) != 0
}

// Body says what follows a directive's arguments.
type Body int

// The bodies.
const (
	Simple  Body = iota // a semicolon
	Nested              // a block of directives
	Pairs               // a block with a grammar of its own, as in map and geo
	Skipped             // a block that is not looked into
)

// Support says what weir does with a directive.
type Support int

// The levels of support.
const (
	Full    Support = iota // as nginx
	Inert                  // accepted and checked; nothing obeys it, mostly since in weir's one process it has nothing to act on
	Refused                // known, not served yet: the configuration is refused with a sentence that says so
)

// String names the level as the coverage table does.
func (s Support) String() string { return [...]string{"full", "inert", "refused"}[s] }

// An Entry is one row of a module's table. C is the module's settings at one level of the configuration.
type Entry[C any] struct {
	Name    string
	In      Context
	Args    Arity
	Body    Body
	Default string  // as documented
	Repeat  bool    // else a second use at one level is `"x" directive is duplicate`
	Support Support // Inert and Refused need no Set
	// Extension marks a directive that nginx does not have.
	Extension bool
	// Own lists the parameters that nginx does not have. Each has a section in docs/extensions.md, as an Extension has.
	Own []string
	Set func(*C, *Call)
}

// A Row is an Entry without its type, as the walk and the tests read it.
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

	module int
	set    func(conf any, c *Call)
}
