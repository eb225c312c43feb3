package main

import "slices"

// oneIn is the inverse sampling rate for pairs of directives from different pages.
const oneIn = 12

// pairs tries two directives in sequence at one level, in both orders: the same one twice, all
// pairs of a page, and a sample of pairs from different pages.
func pairs(known []*directive) (all []trial) {
	for _, context := range contexts {
		roll := newRandom("pairs in "+context, 0)
		var here []*directive
		for _, d := range known {
			if slices.Contains(d.contexts, context) {
				here = append(here, d)
			}
		}
		for _, a := range here {
			for _, b := range here {
				if a.page == b.page || roll.IntN(oneIn) == 0 {
					all = append(all, b.in(context, roll.use(a)+"\n"+roll.use(b)))
				}
			}
			all = append(all, a.in(context, a.right()+"\n"+a.right()), a.in(context, roll.use(a)+"\n"+roll.use(a)+"\n"+roll.use(a)))
		}
	}
	return all
}
