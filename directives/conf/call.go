package conf

import (
	"fmt"

	"weir/parser"
	"weir/parser/diag"
)

// A Call is one use of a directive, as passed to its setter.
type Call struct {
	Dir   *parser.Directive
	Level *Level
	row   *Row
}

// Compiler returns the Compiler of the call.
func (c *Call) Compiler() *Compiler { return c.Level.compile }

// Args returns the arguments.
func (c *Call) Args() []parser.Word { return c.Dir.Args }

// Arg returns the text of the i-th argument.
func (c *Call) Arg(i int) string { return c.Dir.Args[i].Text }

// Origin returns "FILE:LINE" of the directive's end, which nginx records for later messages.
func (c *Call) Origin() string { return fmt.Sprintf("%s:%d", c.Dir.End.File, c.Dir.End.Line) }

// Fail refuses the configuration with nginx's message, at the position of the word; nil means the
// directive itself.
func (c *Call) Fail(word *parser.Word, format string, args ...any) {
	c.report(diag.Emerg, word, format, args...)
}

// FailValue refuses the configuration with `"x" directive TEXT`.
func (c *Call) FailValue(text string) {
	var word *parser.Word
	if len(c.Dir.Args) > 0 {
		word = &c.Dir.Args[0]
	}
	c.Fail(word, "\"%s\" directive %s", c.Dir.Name.Text, text)
}

// Warn reports a warning about the configuration, and compiling continues.
func (c *Call) Warn(word *parser.Word, format string, args ...any) {
	c.report(diag.Warn, word, format, args...)
}

func (c *Call) report(severity diag.Severity, word *parser.Word, format string, args ...any) {
	if word == nil {
		word = &c.Dir.Name
	}
	d := diag.Diagnostic{Severity: severity, Pos: word.Pos, Line: c.Dir.End.Line, Message: fmt.Sprintf(format, args...)}
	if severity > diag.Warn {
		d.Hint = c.hint(word)
	}
	c.Compiler().report(d)
}

// Nest walks the body of the directive in context ctx, and returns its level.
func (c *Call) Nest(ctx Context) *Level { return c.NestWith(ctx, func(*Level) {}) }

// NestWith is Nest that calls begin before the body is walked.
func (c *Call) NestWith(ctx Context, begin func(*Level)) *Level {
	l := c.Compiler().newLevel(ctx, c.Level, c.Dir)
	begin(l)
	c.Compiler().walk(c.Dir.Body, l)
	return l
}

// WalkFile walks the directives of a file that the directive names, at its own level. Only directives
// with that name may be in the file. faults are the errors of reading the file.
func (c *Call) WalkFile(b *parser.Block, name string, faults diag.List) {
	for _, d := range b.Directives {
		if d.Name.Text != name {
			(&Call{Dir: d, Level: c.Level}).Fail(nil, "\"%s\" directive is not allowed here", d.Name.Text)
			continue
		}
		c.Compiler().directive(d, c.Level)
	}
	for _, f := range faults {
		c.Compiler().report(f)
	}
}

// EndLine returns a Call whose diagnostics have the line of the body's closing brace, the line that
// nginx reports after reading a block.
func (c *Call) EndLine() *Call {
	dir := *c.Dir
	dir.End = c.Dir.Body.End
	return &Call{Dir: &dir, Level: c.Level, row: c.row}
}

// Complete reports whether the body was read to its closing brace; the checks that nginx does there
// must be skipped otherwise.
func (c *Call) Complete() bool { return !c.Dir.Body.Incomplete }
