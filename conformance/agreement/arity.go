package main

import "slices"

// mostArgs is the largest number of arguments tried.
const mostArgs = 4

// arities tries the directive in every context with 0 to 4 arguments, valid as far as possible, in
// its own contexts also with invalid ones, and once with the wrong ending.
func arities(d *directive) (all []trial) {
	for _, context := range contexts {
		for n := range mostArgs + 1 {
			all = append(all, d.in(context, d.written(d.args(n, true))))
			if slices.Contains(d.contexts, context) {
				all = append(all, d.in(context, d.written(d.args(n, false))))
			}
		}
		all = append(all, d.in(context, d.name+" "+d.args(1, true)[0]+d.wrongEnding()), d.in(context, d.name+d.wrongEnding()))
	}
	return all
}

// args returns n arguments: the directive's own words repeated as often as needed, or none of them.
func (d *directive) args(n int, right bool) (args []string) {
	own := d.syntax[0].write(plainChooser{})
	for i := range n {
		switch {
		case !right:
			args = append(args, odd[(i*7+len(d.name))%len(odd)])
		case i < len(own):
			args = append(args, own[i])
		default:
			args = append(args, "1")
		}
	}
	return args
}
