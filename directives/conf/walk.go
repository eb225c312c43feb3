package conf

import (
	"fmt"
	"slices"

	"weir/parser"
	"weir/parser/diag"
)

// A Compiler holds one compilation. Its input is a tree and tables; its output is settings and
// diagnostics. A Builder makes the results of the settings.
type Compiler struct {
	Env  *Env
	Main *Level
	// Elsewhere contains directives that no module of the compiler has.
	Elsewhere map[string]Skip
	Hints     Hints

	root    *parser.Block
	modules []Module
	tables  []placedTable
	rows    map[string][]*Row
	zones   []*zone // in the order of their declaration
	diags   diag.List
}

// NewCompiler returns a compiler for the directives of modules, listed in nginx's order.
func NewCompiler(modules []Module, env *Env) *Compiler {
	c := &Compiler{Env: env, modules: modules, tables: tablesOf(modules), rows: map[string][]*Row{}}
	for _, r := range Rows(modules) {
		c.rows[r.Name] = append(c.rows[r.Name], r)
	}
	c.Main = c.newLevel(Main, nil, nil)
	return c
}

// Walk reads the whole configuration: it checks every directive and calls its setter, in the order
// of the file. It may be called only once.
func (c *Compiler) Walk(root *parser.Block) {
	c.root = root
	c.walk(root, c.Main)
}

// Diagnostics returns the diagnostics in order; those with Late are last.
func (c *Compiler) Diagnostics() diag.List {
	all := slices.Clone(c.diags)
	slices.SortStableFunc(all, func(a, b diag.Diagnostic) int { return boolInt(a.Late) - boolInt(b.Late) })
	return all
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Failed reports whether the configuration has been refused.
func (c *Compiler) Failed() bool { return c.diags.HasEmerg() }

func (c *Compiler) report(d diag.Diagnostic) { c.diags = append(c.diags, d) }

// ReportBare reports a message that nginx prints without a position.
func (c *Compiler) ReportBare(severity diag.Severity, format string, args ...any) {
	c.report(diag.Diagnostic{Severity: severity, NoPlace: true, Message: fmt.Sprintf(format, args...)})
}

// ReportEnd reports a message at the end of a block, where nginx merges the settings of its servers.
func (c *Compiler) ReportEnd(block *Level, severity diag.Severity, format string, args ...any) {
	end := block.Dir.Body.End
	c.report(diag.Diagnostic{Severity: severity, Pos: end, Line: end.Line, Message: fmt.Sprintf(format, args...)})
}

// ReportLate reports a message without a position that nginx prints only after reading the whole
// configuration: -t has reported that the syntax is ok by then.
func (c *Compiler) ReportLate(severity diag.Severity, format string, args ...any) {
	c.report(diag.Diagnostic{Severity: severity, NoPlace: true, Late: true, Message: fmt.Sprintf(format, args...)})
}

func (c *Compiler) walk(b *parser.Block, l *Level) {
	for _, d := range b.Directives {
		c.directive(d, l)
	}
}

// directive checks one directive in the order of ngx_conf_handler: name, context, ending, number of
// arguments, duplicate.
func (c *Compiler) directive(d *parser.Directive, l *Level) {
	call := &Call{Dir: d, Level: l}
	rows := c.rows[d.Name.Text]
	skip, elsewhere := c.Elsewhere[d.Name.Text]
	if len(rows) == 0 && (!elsewhere || skip.Optional && skip.In&l.Context == 0) {
		call.Fail(nil, "unknown directive \"%s\"", d.Name.Text)
		call.Advise(call.hintUnknown())
		return
	}
	row := rowFor(rows, l.Context)
	if row == nil && skip.In&l.Context != 0 {
		skip.apply(call)
		return
	}
	if row == nil {
		call.Fail(nil, "\"%s\" directive is not allowed here", d.Name.Text)
		call.Advise(hintPlace(rows))
		return
	}
	call.row = row
	if call.checkForm() && call.checkDuplicate() {
		call.apply()
	}
}

// A Skip is a directive that is accepted in some blocks without its arguments being checked or its own
// block being read.
type Skip struct {
	In       Context
	Optional bool        // unknown outside In, as in an nginx without its module
	Set      func(*Call) // nil does nothing
}

func (s *Skip) apply(call *Call) {
	if s.Set != nil {
		s.Set(call)
	}
}

func rowFor(rows []*Row, ctx Context) *Row {
	for _, r := range rows {
		if r.In&ctx != 0 {
			return r
		}
	}
	return nil
}

func (c *Call) checkForm() bool {
	name := c.Dir.Name.Text
	switch {
	case c.row.Body == Simple && c.Dir.Body != nil:
		c.Fail(nil, "directive \"%s\" is not terminated by \";\"", name)
	case c.row.Body != Simple && c.Dir.Body == nil:
		c.Fail(nil, "directive \"%s\" has no opening \"{\"", name)
	case !c.row.Args.allows(len(c.Dir.Args)):
		c.Fail(nil, "invalid number of arguments in \"%s\" directive", name)
	default:
		return true
	}
	return false
}

// checkDuplicate reports whether the directive is supported and may be used at its level, or used
// there again.
func (c *Call) checkDuplicate() bool {
	if c.row.Support == Refused {
		c.Fail(nil, "\"%s\" directive is not supported by weir yet", c.Dir.Name.Text)
		c.Advise(c.hintRefused())
		return false
	}
	if !c.row.Repeat && c.Level.seen[c.row] {
		c.FailValue("is duplicate")
		return false
	}
	c.Level.seen[c.row] = true
	return true
}

func (c *Call) apply() {
	if c.row.set != nil {
		c.row.set(c.Level.at(c.row.table), c)
	}
}
