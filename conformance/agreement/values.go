package main

import (
	"slices"
	"strings"
)

// values tries the directive, in each of its contexts, with every word of a kind at every possible
// position of its syntax, with the rest valid; with misspelled literals; and with odd words at the
// beginning and the end.
func values(d *directive) (all []trial) {
	for _, context := range d.contexts {
		for _, syntax := range d.syntax {
			for _, e := range syntax.words() {
				for _, word := range e.tried() {
					all = append(all, d.in(context, d.written(syntax.write(plainChooser{at: e, instead: word}))))
				}
			}
		}
		right := d.syntax[0].write(plainChooser{})
		for i, word := range odd {
			if len(right) > 0 && i%2 == 0 {
				all = append(all, d.in(context, d.written(append([]string{word}, right[1:]...))))
			} else {
				all = append(all, d.in(context, d.written(append(slices.Clip(right), word))))
			}
		}
	}
	return all
}

// tried returns the words to try in place of the element.
func (e *element) tried() []string {
	if e.kind == hole {
		k := kindOf(e.text)
		return append(slices.Clip(k.right), k.wrong...)
	}
	name := strings.TrimSuffix(e.text, "=")
	if len(name) < 2 {
		return []string{"", e.text + e.text, "="}
	}
	return []string{e.text, name + "x", name[:len(name)-1], strings.ToUpper(name), name, name + "=", name + "=1", name + "=x",
		name + "==", "=" + name}
}
