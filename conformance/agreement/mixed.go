package main

import (
	"hash/fnv"
	"math/rand/v2"
)

// A random chooses words at random: one in wrongIn is invalid, and each option is taken with
// probability one third.
type random struct {
	*rand.Rand
	wrongIn int // 0 chooses no invalid words
}

// newRandom returns a source of random numbers with a fixed seed.
func newRandom(seed string, wrongIn int) random {
	h := fnv.New64a()
	h.Write([]byte(seed))
	return random{rand.New(rand.NewPCG(h.Sum64(), 1)), wrongIn}
}

func (d random) take(*element) bool { return d.IntN(3) == 0 }

func (d random) pick(e *element) sequence { return e.in[d.IntN(len(e.in))] }

func (d random) word(e *element) string {
	if e.kind == literal {
		return e.text
	}
	k := kindOf(e.text)
	if d.wrongIn > 0 && d.IntN(d.wrongIn) == 0 {
		return d.of(k.wrong)
	}
	return d.of(k.right)
}

func (d random) of(words []string) string { return words[d.IntN(len(words))] }

// use returns the directive with randomly chosen arguments.
func (d random) use(x *directive) string {
	return x.written(x.syntax[d.IntN(len(x.syntax))].write(d))
}

// mixtures tries the directive with several options and words at once.
func mixtures(x *directive) (all []trial) {
	const right, wrong = 6, 14
	size := 0
	for _, s := range x.syntax {
		size += len(s.words())
	}
	for _, context := range x.contexts {
		roll := newRandom(x.module+x.name+context, 0)
		for i := range min(size, 12) * (right + wrong) / 4 {
			if roll.wrongIn = 0; i%(right+wrong) >= right {
				roll.wrongIn = 3
			}
			all = append(all, x.in(context, roll.use(x)))
		}
	}
	return all
}
