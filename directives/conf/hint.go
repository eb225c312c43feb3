package conf

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"weir/parser"
	"weir/parser/diag"
)

// Hints are what a Compiler may suggest besides the names in its tables. All of it is optional.
type Hints struct {
	Parameters map[string][]string // the parameters of a directive, by its name: "weight=" takes a value, "backup" does not
	Remedies   map[string]string   // what to do without an unsupported directive, by its name or that of its module
}

// noRemedy is what to do about something unsupported if there is nothing better to say.
const noRemedy = "remove it, or keep this server on nginx; docs/coverage.md lists what weir supports"

// Advise adds a hint to the diagnostic that was reported last.
func (c *Call) Advise(hint string) {
	diags := c.Compiler().diags
	diags[len(diags)-1].Hint = hint
}

// hint returns what may correct a directive that is refused at word; empty if nothing is known.
func (c *Call) hint(word *parser.Word) string {
	if before := c.unended(); before != nil {
		return fmt.Sprintf("a \";\" seems to be missing after \"%s\" in line %d", before.Text, before.Pos.Line)
	}
	if word == &c.Dir.Name {
		return ""
	}
	return c.nearestParameter(word.Text)
}

// unended returns the word before the first argument that begins another directive on a line of its own; nil if there is none.
func (c *Call) unended() *parser.Word {
	before := &c.Dir.Name
	for i := range c.Dir.Args {
		arg := &c.Dir.Args[i]
		if !arg.Quoted && arg.Pos.Line > before.Pos.Line && rowFor(c.Compiler().rows[arg.Text], c.Level.Context) != nil {
			return before
		}
		before = arg
	}
	return nil
}

// nearestParameter suggests a parameter of the directive for a word whose name is like it.
func (c *Call) nearestParameter(text string) string {
	known := c.Compiler().Hints.Parameters[c.Dir.Name.Text]
	name, _, hasValue := strings.Cut(text, "=")
	if hasValue {
		name += "="
	}
	return didYouMean(diag.Nearest(name, known))
}

// hintUnknown suggests a directive for a name that does not exist: one that is allowed in the context, or else any.
func (c *Call) hintUnknown() string {
	name := c.Dir.Name.Text
	if near := diag.Nearest(name, c.Compiler().names(c.Level.Context)); near != "" {
		return didYouMean(near)
	}
	return didYouMean(diag.Nearest(name, c.Compiler().names(^Foreign)))
}

// names lists the directives that are allowed in a context, in alphabetical order.
func (c *Compiler) names(ctx Context) []string {
	var all []string
	for name, rows := range c.rows {
		if rowFor(rows, ctx) != nil {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// hintPlace returns where a directive is allowed that is not allowed where it stands.
func hintPlace(rows []*Row) string {
	var in Context
	for _, r := range rows {
		in |= r.In
	}
	places := in.names()
	if len(places) == 0 {
		return "it belongs to a block that weir does not serve, such as \"http\""
	}
	return "it is allowed in: " + strings.Join(places, ", ")
}

// hintRefused returns what to do without a directive that weir does not support yet.
func (c *Call) hintRefused() string {
	remedies := c.Compiler().Hints.Remedies
	return cmp.Or(remedies[c.row.Name], remedies[c.row.Module], noRemedy)
}

// reportUnknownVariable refuses a name that no variable has, as nginx does without a place, and remembers where it is used.
func (c *Compiler) reportUnknownVariable(name string) {
	d := diag.Diagnostic{Severity: diag.Emerg, NoPlace: true, Message: fmt.Sprintf("unknown \"%s\" variable", name)}
	if near := diag.Nearest(name, c.Config.Vars.Names()); near != "" {
		d.Hint = didYouMean("$" + near)
	}
	if word := firstUse(c.root, "$"+name, "${"+name+"}"); word != nil {
		d.Pos = word.Pos
	}
	c.report(d)
}

// firstUse returns the first argument below b that contains one of the texts, whatever its case; nil if there is none.
func firstUse(b *parser.Block, texts ...string) *parser.Word {
	if b == nil {
		return nil
	}
	for _, d := range b.Directives {
		for i := range d.Args {
			written := strings.ToLower(d.Args[i].Text)
			if slices.ContainsFunc(texts, func(t string) bool { return strings.Contains(written, t) }) {
				return &d.Args[i]
			}
		}
		if word := firstUse(d.Body, texts...); word != nil {
			return word
		}
	}
	return nil
}

// didYouMean asks for a name; an empty name makes no hint.
func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return "did you mean \"" + name + "\"?"
}
