package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// census counts the clients of every broker by its address.
type census map[string]int

// printCensus writes one line per broker, in the order of nginx.conf.
func printCensus(out io.Writer, peers []peer, count census) {
	tab := tabwriter.NewWriter(out, 0, 0, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tab, "broker\tweight\tclients\t")
	for _, p := range peers {
		fmt.Fprintf(tab, "%s\t%d\t%d\t\n", p.addr, p.weight, count[p.addr])
	}
	tab.Flush()
}
