package directives

import (
	"slices"

	"weir/directives/conf"
	"weir/parser"
	"weir/stream"
)

// A streamModule is a module of stream {}. M is its settings of stream {} as a whole (nginx:
// create_main_conf); S is its settings of a server, which stream {} has too for its servers to inherit
// (create_srv_conf).
type streamModule[M, S any] struct {
	Name   string                 // as nginx's documentation, "ngx_stream_proxy_module"
	Main   []conf.Entry[M]        // the directives of stream {} as a whole
	Server []conf.Entry[S]        // the directives of servers, most of which stream {} accepts too
	Inner  []conf.Table           // the directives of other blocks in stream {}, such as upstream
	Vars   []stream.Variable      // defined before the configuration is read
	Init   func(*M, *streamBuild) // runs once, at the end of stream {}, before the servers inherit (init_main_conf)
	// Merge completes a server's settings from those of stream {} (merge_srv_conf). It is called for
	// every server after all of stream {} has been read.
	Merge func(outer, inner *S)
	// Complete reads what the merged settings of a server need, such as files, and reports errors. It is
	// called for every server after Merge, before the next module is merged.
	Complete func(*S, *streamBuild, *conf.Level)
	// Build turns the merged settings of a server into handlers, content and loggers.
	Build func(*S, *serverBuild)
}

// either is the context of directives that a server inherits from stream {}.
const either = conf.Stream | conf.Server

// Page implements conf.Module.
func (m *streamModule[M, S]) Page() (string, []conf.Table) {
	return m.Name, append([]conf.Table{
		&conf.Settings[M]{Of: conf.Stream, Entries: m.Main},
		&conf.Settings[S]{Of: either, Entries: m.Server, Merge: m.Merge},
	}, m.Inner...)
}

// none is the empty settings of a module that has none.
type none struct{}

// ofStream is a *streamModule of any settings.
type ofStream interface {
	variables() []stream.Variable
	init(*streamBuild)
	complete(*streamBuild, *conf.Level)
	build(*serverBuild)
}

func (m *streamModule[M, S]) variables() []stream.Variable { return m.Vars }

func (m *streamModule[M, S]) init(b *streamBuild) {
	if m.Init != nil {
		m.Init(conf.At[M](b.block), b)
	}
}

func (m *streamModule[M, S]) complete(b *streamBuild, server *conf.Level) {
	if m.Complete != nil {
		m.Complete(conf.At[S](server), b, server)
	}
}

func (m *streamModule[M, S]) build(b *serverBuild) {
	if m.Build != nil {
		m.Build(conf.At[S](b.level), b)
	}
}

// newConfig returns a Config with the variables of the modules.
func newConfig(modules []conf.Module) *stream.Config {
	config := stream.NewConfig()
	for _, m := range modules {
		m, ok := m.(ofStream)
		if !ok {
			continue
		}
		for _, v := range m.variables() {
			redefine(config.Vars, v)
		}
	}
	return config
}

// configOf returns the Config under construction, to which directives of all levels add files, parts
// and variables.
func configOf(l *conf.Level) *stream.Config { return conf.At[processConf](l).config }

// parseTemplate compiles a string with variables, and reports its errors.
func parseTemplate(call *conf.Call, word *parser.Word) (stream.Template, bool) {
	t, err := stream.ParseTemplate(word.Text, configOf(call.Level).Vars)
	if err != nil {
		call.Fail(word, "%s", err.Error())
		return t, false
	}
	return t, true
}

// A streamBuild makes the servers of stream {}; it is the conf.Builder of that block.
type streamBuild struct {
	*conf.Compiler
	block   *conf.Level // stream {}
	config  *stream.Config
	servers []*serverBuild
}

// A serverBuild makes one server.
type serverBuild struct {
	*streamBuild
	level    *conf.Level
	server   *stream.Server
	module   int // the module that is being built
	handlers []placed
}

// placed is a handler with its phase and its module's index in the list.
type placed struct {
	phase   stream.Phase
	module  int
	handler stream.Handler
}

// buildServers ends stream {} and returns its servers by their levels; nil after an error.
func buildServers(c *conf.Compiler, block *conf.Level, servers []*conf.Level) map[*conf.Level]*stream.Server {
	b := &streamBuild{Compiler: c, block: block, config: configOf(block)}
	if !c.Finish(block, servers, b) {
		return nil
	}
	placeHandlers(b.servers)
	built := make(map[*conf.Level]*stream.Server, len(b.servers))
	for _, s := range b.servers {
		built[s.level] = s.server
	}
	return built
}

// Init implements conf.Builder.
func (b *streamBuild) Init(m conf.Module) {
	if m, ok := m.(ofStream); ok {
		m.init(b)
	}
}

// Complete implements conf.Builder.
func (b *streamBuild) Complete(server *conf.Level, m conf.Module) {
	if m, ok := m.(ofStream); ok {
		m.complete(b, server)
	}
}

// Merged refuses addresses with TLS and without a certificate, then variables that are used and not
// defined.
func (b *streamBuild) Merged() {
	if !b.Failed() {
		conf.At[streamMain](b.block).checkTLS(b.Compiler)
	}
	for _, name := range b.config.Vars.Resolve() {
		b.ReportUnknownVariable(name, b.config.Vars.Names())
	}
}

// Build implements conf.Builder.
func (b *streamBuild) Build(server *conf.Level, module int, m conf.Module) {
	if n := len(b.servers); n == 0 || b.servers[n-1].level != server {
		b.servers = append(b.servers, &serverBuild{streamBuild: b, level: server, server: &stream.Server{}})
	}
	if m, ok := m.(ofStream); ok {
		s := b.servers[len(b.servers)-1]
		s.module = module
		m.build(s)
	}
}

// addPart adds a part to the configuration.
func (b *streamBuild) addPart(p stream.Part) { addPart(b.config, p) }

func addPart(c *stream.Config, p stream.Part) { c.Parts = append(c.Parts, p) }

// handle adds h to the server's phase. Within a phase handlers run in reverse order of the modules, as
// in nginx.
func (s *serverBuild) handle(phase stream.Phase, h stream.Handler) {
	s.handlers = append(s.handlers, placed{phase, s.module, h})
}

// placeHandlers gives every server of the configuration the same slots in each phase, nil where it
// has no handler, so that a session that changes servers continues at the next slot.
func placeHandlers(servers []*serverBuild) {
	var places [stream.NumPhases][]int // module numbers, highest first
	for _, s := range servers {
		for _, h := range s.handlers {
			if !slices.Contains(places[h.phase], h.module) {
				places[h.phase] = append(places[h.phase], h.module)
			}
		}
	}
	for phase := range places {
		slices.SortFunc(places[phase], func(a, b int) int { return b - a })
		for _, s := range servers {
			s.server.Handlers[phase] = make([]stream.Handler, len(places[phase]))
		}
	}
	for _, s := range servers {
		for _, h := range s.handlers {
			s.server.Handlers[h.phase][slices.Index(places[h.phase], h.module)] = h.handler
		}
	}
}
