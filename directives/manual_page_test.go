package directives

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"weir/directives/conf"
)

const manualPath = "../packaging/weir.conf.5"

// TestCoveragePageManual compares the manual page of the configuration with the tables; -update rewrites the file.
func TestCoveragePageManual(t *testing.T) {
	want := manualPage(t)
	if *update {
		if err := os.WriteFile(manualPath, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(manualPath)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s differs from the tables: go test ./directives -run TestCoveragePage -update", manualPath)
	}
}

const manualHead = `.\" Written by "go test ./directives -run TestCoveragePage -update" from the tables of directives.
.TH WEIR.CONF 5 "" "weir" "File Formats"
.SH NAME
weir.conf \- configuration of weir, in the language of nginx.conf
.SH DESCRIPTION
.BR weir (8)
reads the configuration file of nginx:
.I /etc/weir/nginx.conf
in a package,
.I /etc/nginx/nginx.conf
without
.BR \-c .
Comments, quotes, units of sizes and times, variables and
.B include
are those of nginx.
.PP
This page lists the directives that weir serves, in the order of their modules. Those that are accepted without effect are marked. The
defaults are those of nginx.
A directive of nginx that is not on this page stops the start with a message, unless it is in an
.B http
block, where it is ignored.
.SH EXAMPLE
.EX
events { }
stream {
    mqtt_preread on;
    upstream brokers {
        hash $mqtt_preread_clientid consistent;
        server 192.0.2.1:1883;
        server 192.0.2.2:1883;
    }
    server {
        listen 1883;
        proxy_pass brokers;
    }
}
.EE
`

const manualTail = `.SH SEE ALSO
.BR weir (8),
.BR nginx (8)
.PP
https://nginx.org/en/docs/ describes each directive.
`

// manualPage returns a chapter for each module that serves directives.
func manualPage(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString(manualHead)
	module := ""
	heading := func(name string) {
		if name != module {
			module = name
			fmt.Fprintf(&b, ".SH %s\n", strings.ToUpper(name))
		}
	}
	for _, d := range listing(t) {
		if support := supportOf(t, d); support != conf.Refused {
			heading(d.module)
			writeManual(&b, d, rowsOf(d), support)
		}
	}
	for _, r := range conf.Rows(modules) {
		if r.Extension && r.Support != conf.Refused {
			heading(r.Module)
			writeManual(&b, &documented{name: r.Name, fallback: r.Default}, []*conf.Row{r}, r.Support)
		}
	}
	b.WriteString(manualTail)
	return b.String()
}

// writeManual writes the entry of a directive: its syntax, default and contexts. A directive without a documented syntax has only
// its name.
func writeManual(b *strings.Builder, d *documented, rows []*conf.Row, support conf.Support) {
	syntax := d.syntax
	if len(syntax) == 0 {
		syntax = []string{""}
	}
	for i, variant := range syntax {
		tag := ".TP\n"
		if i > 0 {
			tag = ".TQ\n"
		}
		fmt.Fprintf(b, "%s\\fB%s\\fR%s\n", tag, roff(d.name), manualSyntax(variant))
	}
	fmt.Fprintf(b, "Context: %s.\n", strings.Join(contextNames(rows), ", "))
	if d.fallback != "" {
		fmt.Fprintf(b, "Default: %s.\n", roff(d.fallback))
	}
	if own := ownParameters(rows); len(own) > 0 {
		fmt.Fprintf(b, "Parameters that only weir has: %s.\n", roff(strings.Join(own, ", ")))
	}
	if support == conf.Inert {
		b.WriteString("Accepted without effect.\n")
	}
}

func ownParameters(rows []*conf.Row) (own []string) {
	for _, r := range rows {
		own = append(own, r.Own...)
	}
	return own
}

var placeholder = regexp.MustCompile(`<([^<>]*)>`)

// manualSyntax returns the arguments of a directive, with the placeholders in italics.
func manualSyntax(syntax string) string {
	if syntax == "" || syntax == "{ ... }" {
		return strings.TrimRight(" "+syntax, " ")
	}
	return " " + placeholder.ReplaceAllString(roff(syntax), `\fI$1\fR`)
}

// roff escapes text of a manual page.
func roff(text string) string {
	return strings.NewReplacer(`\`, `\e`, "-", `\-`, "'", `\(aq`).Replace(text)
}
