package directives

import (
	"slices"

	"weir/directives/conf"
	"weir/parser"
	"weir/web"
)

// An httpModule is a module of http {}. M is its settings of http {} as a whole (nginx: create_main_conf); S
// is its settings of a server (create_srv_conf), and L those of a location or of a block in one
// (create_loc_conf). http {} has S and L too, and a server has L, for the blocks in them to inherit.
type httpModule[M, S, L any] struct {
	Name          string                // as nginx's documentation, "ngx_http_access_module"
	Main          []conf.Entry[M]       // the directives of http {} as a whole
	Server        []conf.Entry[S]       // the directives of servers
	Location      []conf.Entry[L]       // the directives of locations, most of which servers and http {} accept too
	Vars          []web.Variable        // defined before the configuration is read
	MergeServer   func(outer, inner *S) // merge_srv_conf
	MergeLocation func(outer, inner *L) // merge_loc_conf
	// Complete reads what the merged settings of a server need, such as files, and reports errors.
	Complete func(*S, *httpBuild, *conf.Level)
	// BuildServer turns the merged settings of a server into a web.Server.
	BuildServer func(*S, *httpServerBuild)
	// Build turns the merged settings of a location, or of a block with its settings, into a web.Location.
	Build func(*L, *locationBuild)
}

// The contexts of directives of http {}.
const (
	httpEither   = conf.HTTP | conf.HTTPServer              // those that a server inherits
	httpAll      = httpEither | conf.Location               // those that a location inherits
	httpAnywhere = httpAll | conf.IfInLocation              // also in an if in a location
	httpRewrite  = conf.HTTPServer | conf.Location | httpIf // those of ngx_http_rewrite_module
	httpIf       = conf.IfInServer | conf.IfInLocation      // both kinds of if
	httpLevels   = httpAll | conf.LimitExcept | httpIf      // all levels with settings of locations
)

// Page implements conf.Module.
func (m *httpModule[M, S, L]) Page() (string, []conf.Table) {
	return m.Name, []conf.Table{
		&conf.Settings[M]{Of: conf.HTTP, Entries: m.Main},
		&conf.Settings[S]{Of: httpEither, Entries: m.Server, Merge: m.MergeServer},
		&conf.Settings[L]{Of: httpLevels, Entries: m.Location, Merge: m.MergeLocation},
	}
}

// ofHTTP is an *httpModule of any settings.
type ofHTTP interface {
	webVariables() []web.Variable
	completeServer(*httpBuild, *conf.Level)
	buildServer(*httpServerBuild)
	buildLocation(*locationBuild)
}

func (m *httpModule[M, S, L]) webVariables() []web.Variable { return m.Vars }

func (m *httpModule[M, S, L]) completeServer(b *httpBuild, server *conf.Level) {
	if m.Complete != nil {
		m.Complete(conf.At[S](server), b, server)
	}
}

func (m *httpModule[M, S, L]) buildServer(b *httpServerBuild) {
	if m.BuildServer != nil {
		m.BuildServer(conf.At[S](b.level), b)
	}
}

func (m *httpModule[M, S, L]) buildLocation(b *locationBuild) {
	if m.Build != nil {
		m.Build(conf.At[L](b.level), b)
	}
}

// newWeb returns a web.Config with the variables of the modules.
func newWeb(modules []conf.Module) *web.Config {
	config := web.NewConfig()
	for _, m := range modules {
		if m, ok := m.(ofHTTP); ok {
			for _, v := range m.webVariables() {
				redefineWeb(config.Vars, v)
			}
		}
	}
	return config
}

// redefineWeb defines a variable whose name is free.
func redefineWeb(vars *web.VarTable, v web.Variable) {
	if err := vars.Define(v); err != nil {
		panic("directives: " + err.Error())
	}
}

// webOf returns the web.Config under construction.
func webOf(l *conf.Level) *web.Config { return conf.At[processConf](l).web }

// parseWebTemplate compiles a string with variables of http {}, and reports its errors.
func parseWebTemplate(call *conf.Call, word *parser.Word) (web.Template, bool) {
	t, err := web.ParseTemplate(word.Text, webOf(call.Level).Vars)
	if err != nil {
		call.Fail(word, "%s", err.Error())
		return t, false
	}
	return t, true
}

// parseWebRegex compiles a regular expression of http {}, and reports its errors.
func parseWebRegex(call *conf.Call, word *parser.Word, pattern string, fold bool) *web.Regex {
	re, err := webOf(call.Level).Vars.Regex(pattern, fold)
	if err != nil {
		call.Fail(word, "%s", err)
		return nil
	}
	return re
}

// An httpBuild makes the servers of http {}; it is the conf.Builder of that block.
type httpBuild struct {
	*conf.Compiler
	block   *conf.Level // http {}
	config  *web.Config
	modules []conf.Module
	servers map[*conf.Level]*web.Server
}

// An httpServerBuild makes one server.
type httpServerBuild struct {
	*httpBuild
	level  *conf.Level
	server *web.Server
}

// A locationBuild makes one location, or a block with the settings of one.
type locationBuild struct {
	*httpServerBuild
	level    *conf.Level
	location *web.Location
}

// Init implements conf.Builder.
func (b *httpBuild) Init(m conf.Module) { b.modules = append(b.modules, m) }

// Complete implements conf.Builder.
func (b *httpBuild) Complete(server *conf.Level, m conf.Module) {
	if m, ok := m.(ofHTTP); ok {
		m.completeServer(b, server)
	}
}

// Merged refuses addresses with TLS and without a certificate, then variables that are used and not defined.
func (b *httpBuild) Merged() {
	if !b.Failed() {
		conf.At[httpMain](b.block).checkTLS(b.Compiler)
	}
	for _, name := range b.config.Vars.Resolve() {
		b.ReportUnknownVariable(name, b.config.Vars.Names())
	}
}

// Build implements conf.Builder. The locations of a server are built with its first module.
func (b *httpBuild) Build(level *conf.Level, module int, m conf.Module) {
	s := b.servers[level]
	if s == nil {
		s = &web.Server{}
		b.servers[level] = s
	}
	server := &httpServerBuild{b, level, s}
	if module == 0 {
		s.Base = server.location(level)
		s.Locations, s.Named = server.locations(level)
	}
	if m, ok := m.(ofHTTP); ok {
		m.buildServer(server)
	}
}

// location makes the location of a level.
func (b *httpServerBuild) location(level *conf.Level) *web.Location {
	core := conf.At[httpLocation](level)
	if core.made != nil {
		return core.made
	}
	core.made = &web.Location{}
	l := &locationBuild{b, level, core.made}
	for _, m := range b.modules {
		if m, ok := m.(ofHTTP); ok {
			m.buildLocation(l)
		}
	}
	return core.made
}

// check adds a check of access. The checks run in reverse order of the modules, as in nginx.
func (b *locationBuild) check(c web.Checker) {
	b.location.Access = slices.Insert(b.location.Access, 0, c)
}

// locations makes the locations in a level.
func (b *httpServerBuild) locations(level *conf.Level) (*web.Locations, map[string]*web.Location) {
	var all []*web.Location
	named := map[string]*web.Location{}
	for _, inner := range level.Inner {
		if inner.Context != conf.Location {
			continue
		}
		l := b.location(inner)
		l.Inner, _ = b.locations(inner)
		all = append(all, l)
		if l.Kind == web.Named {
			named[l.Name] = l
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return web.NewLocations(all), named
}
