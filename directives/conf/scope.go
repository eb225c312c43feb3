package conf

import (
	"slices"

	"weir/stream"
)

// A Scope receives the results of a module: for one server, or for the whole configuration.
type Scope struct {
	Level  *Level         // of the server, or of stream {} in Init
	Server *stream.Server // nil in Init
	*Compiler

	module   int
	handlers []placed
}

// placed is a handler with its phase and its module's index in the list.
type placed struct {
	phase   stream.Phase
	module  int
	handler stream.Handler
}

// Handle adds h to the server's phase. Within a phase handlers run in reverse order of the modules,
// as in nginx.
func (s *Scope) Handle(phase stream.Phase, h stream.Handler) {
	s.handlers = append(s.handlers, placed{phase, s.module, h})
}

// AddPart adds a part to the configuration.
func (s *Scope) AddPart(p stream.Part) { s.Config.Parts = append(s.Config.Parts, p) }

// FinishStream ends stream {}: first, in the order of the modules, the Init of each one and then
// its Merge for every server; then the Build of each one for every server. Each server level has
// the stream level as its parent. If there is no diagnostic so far, the returned servers are
// complete.
func (c *Compiler) FinishStream(level *Level, servers []*Level) []*stream.Server {
	c.merge(level, servers)
	for _, name := range c.Config.Vars.Resolve() {
		c.reportUnknownVariable(name)
	}
	if c.Failed() {
		return nil
	}
	return c.build(servers)
}

func (c *Compiler) merge(level *Level, servers []*Level) {
	scope := &Scope{Level: level, Compiler: c}
	for i, m := range c.modules {
		scope.module = i
		m.init(level.at(i), scope)
		for _, s := range servers {
			m.merge(level.at(i), s.at(i))
		}
	}
}

func (c *Compiler) build(levels []*Level) []*stream.Server {
	scopes := make([]*Scope, len(levels))
	for i, l := range levels {
		scopes[i] = &Scope{Level: l, Compiler: c, Server: &stream.Server{}}
		for j, m := range c.modules {
			scopes[i].module = j
			m.build(l.at(j), scopes[i])
		}
	}
	placeHandlers(scopes)
	servers := make([]*stream.Server, len(scopes))
	for i, s := range scopes {
		servers[i] = s.Server
	}
	return servers
}

// placeHandlers gives every server of the configuration the same slots in each phase, nil where it
// has no handler, so that a session that changes servers continues at the next slot.
func placeHandlers(scopes []*Scope) {
	var places [stream.NumPhases][]int // module numbers, highest first
	for _, s := range scopes {
		for _, h := range s.handlers {
			if !slices.Contains(places[h.phase], h.module) {
				places[h.phase] = append(places[h.phase], h.module)
			}
		}
	}
	for phase := range places {
		slices.SortFunc(places[phase], func(a, b int) int { return b - a })
		for _, s := range scopes {
			s.Server.Handlers[phase] = make([]stream.Handler, len(places[phase]))
		}
	}
	for _, s := range scopes {
		for _, h := range s.handlers {
			s.Server.Handlers[h.phase][slices.Index(places[h.phase], h.module)] = h.handler
		}
	}
}
