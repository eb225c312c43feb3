package conf

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"weir/parser"
	"weir/parser/diag"
)

// Hints are suggestions of a Compiler in addition to the names in its tables. All fields are
// optional.
type Hints struct {
	Parameters map[string][]string // the parameters of a directive, by its name: "weight=" takes a value, "backup" does not
	Remedies   map[string]string   // the alternative to an unsupported directive, by its name or its module's name
}

// noRemedy is the hint for an unsupported directive without a specific remedy.
const noRemedy = "remove it, or keep this server on nginx; docs/coverage.md lists what weir supports"

// Advise adds a hint to the diagnostic that was reported last.
func (c *Call) Advise(hint string) {
	diags := c.Compiler().diags
	diags[len(diags)-1].Hint = hint
}

// hint returns a suggestion for a directive that is refused at word; empty if there is none.
func (c *Call) hint(word *parser.Word) string {
	if before := c.unended(); before != nil {
		return fmt.Sprintf("a \";\" seems to be missing after \"%s\" in line %d", before.Text, before.Pos.Line)
	}
	if word == &c.Dir.Name {
		return ""
	}
	return c.nearestParameter(word.Text)
}

// unended returns the word before the first argument that begins a line with the name of another
// directive; nil if there is none.
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

// nearestParameter suggests a parameter of the directive with a name similar to the word.
func (c *Call) nearestParameter(text string) string {
	known := c.Compiler().Hints.Parameters[c.Dir.Name.Text]
	name, _, hasValue := strings.Cut(text, "=")
	if hasValue {
		name += "="
	}
	return didYouMean(diag.Nearest(name, known))
}

// hintUnknown suggests a directive for an unknown name: first one that is allowed in the context,
// then any other.
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

// hintPlace returns the contexts in which a misplaced directive is allowed.
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

// hintRefused returns the alternative to a directive that weir does not support yet.
func (c *Call) hintRefused() string {
	remedies := c.Compiler().Hints.Remedies
	return cmp.Or(remedies[c.row.Name], remedies[c.row.Module], noRemedy)
}

// ReportUnknownVariable refuses an unknown variable, without a position as nginx does, and records
// where it is used. known are the names of all variables.
func (c *Compiler) ReportUnknownVariable(name string, known []string) {
	d := diag.Diagnostic{Severity: diag.Emerg, NoPlace: true, Message: fmt.Sprintf("unknown \"%s\" variable", name)}
	if near := diag.Nearest(name, known); near != "" {
		d.Hint = didYouMean("$" + near)
	}
	if word := firstUse(c.root, "$"+name, "${"+name+"}"); word != nil {
		d.Pos = word.Pos
	}
	c.report(d)
}

// firstUse returns the first argument below b that contains one of the texts, ignoring case; nil if
// there is none.
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

// didYouMean returns the hint for a name; an empty name gives no hint.
func didYouMean(name string) string {
	if name == "" {
		return ""
	}
	return "did you mean \"" + name + "\"?"
}
