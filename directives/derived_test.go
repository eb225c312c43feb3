package directives

import (
	"fmt"
	"strings"
	"testing"

	"weir/directives/conf"
)

// sample contains valid arguments for directives for which neither the default nor "1" is valid.
var sample = map[string]string{
	"api":                     "write=on",
	"debug_points":            "abort",
	"geoip_city":              "../conformance/testdata/geoip/city.dat",
	"geoip_country":           "../conformance/testdata/geoip/country.dat",
	"geoip_org":               "../conformance/testdata/geoip/org.dat",
	"limit_except":            "GET",
	"log_format":              "a b",
	"pass":                    "192.0.2.1:1",
	"proxy_bind":              "192.0.2.1",
	"ssl_password_file":       "/dev/null",
	"proxy_ssl_password_file": "/dev/null",
	"proxy_ssl_name":          "a",
	"ssl_trusted_certificate": "ca.pem", // its default is described in words
	"try_files":               "a =404",
	"use":                     "epoll",
	"user":                    "root", // not every system has the group of its default
}

// rightArgs returns valid arguments for the row's directive. The row must not be Refused.
func rightArgs(r *conf.Row) []string {
	switch text := sample[r.Name]; {
	case r.Args == conf.None:
		return nil
	case text != "":
		return strings.Fields(text)
	case r.Body != conf.Simple:
		return nil
	case r.Default != "" && !strings.Contains(r.Default, "|"):
		return strings.Fields(r.Default)
	}
	return words(1)
}

// someArgs returns the minimum number of arguments in the documentation.
func someArgs(t *testing.T, r *conf.Row) []string {
	t.Helper()
	for _, d := range listing(t) {
		if d.name != r.Name {
			continue
		}
		for n := range mostTried {
			if d.module == r.Module && takesOf(d).has(n) {
				return words(n)
			}
		}
	}
	return words(1)
}

// eachRow runs a test for every row.
func eachRow(t *testing.T, test func(t *testing.T, r *conf.Row)) {
	t.Helper()
	for _, r := range conf.Rows(modules) {
		if r.Name != "include" {
			t.Run(r.Module+" "+r.Name, func(t *testing.T) { test(t, r) })
		}
	}
}

// everywhere returns all contexts in which a directive of that name is allowed.
func everywhere(name string) (all conf.Context) {
	for _, r := range conf.Rows(modules) {
		if r.Name == name {
			all |= r.In
		}
	}
	return all | elsewhere[name].In
}

func TestWrongPlace(t *testing.T) {
	for _, r := range conf.Rows(modules) {
		t.Run(r.Module+" "+r.Name, func(t *testing.T) {
			want := fmt.Sprintf(`"%s" directive is not allowed here in /p/nginx.conf:3`, r.Name)
			for _, p := range places {
				if everywhere(r.Name)&p.context == 0 {
					checkError(t, place(p.context, written(r.Name, words(1), r.Body != conf.Simple)), want)
				}
			}
		})
	}
}

func TestWrongEnding(t *testing.T) {
	eachRow(t, func(t *testing.T, r *conf.Row) {
		context := firstPlace(r)
		want := fmt.Sprintf(`directive "%s" is not terminated by ";" in /p/nginx.conf:3`, r.Name)
		if r.Body != conf.Simple {
			want = fmt.Sprintf(`directive "%s" has no opening "{" in /p/nginx.conf:3`, r.Name)
		}
		checkError(t, place(context, written(r.Name, words(1), r.Body == conf.Simple)), want)
	})
}

func TestNotServed(t *testing.T) {
	eachRow(t, func(t *testing.T, r *conf.Row) {
		if r.Support != conf.Refused {
			t.Skip("served")
		}
		for _, p := range places {
			if r.In&p.context != 0 {
				checkError(t, place(p.context, written(r.Name, someArgs(t, r), r.Body != conf.Simple)),
					fmt.Sprintf(`"%s" directive is not supported by weir yet in /p/nginx.conf:3`, r.Name))
			}
		}
	})
}

// duplicate returns a configuration with the row's directive twice, the second on lines 4 and 5.
func duplicate(r *conf.Row, context conf.Context) string {
	once := written(r.Name, rightArgs(r), r.Body != conf.Simple)
	return place(context, once+"\n"+once)
}

func TestDuplicate(t *testing.T) {
	eachRow(t, func(t *testing.T, r *conf.Row) {
		if r.Support == conf.Refused || r.Repeat {
			t.Skip("refused at once, or repeatable")
		}
		for _, p := range places {
			if r.In&p.context != 0 {
				checkError(t, duplicate(r, p.context), fmt.Sprintf(`"%s" directive is duplicate in /p/nginx.conf:5`, r.Name))
			}
		}
	})
}

// TestDocumentedDefaultIsTaken checks that the documented default is accepted as an argument.
func TestDocumentedDefaultIsTaken(t *testing.T) {
	eachRow(t, func(t *testing.T, r *conf.Row) {
		if r.Support == conf.Refused || r.Default == "" || strings.Contains(r.Default, "|") || sample[r.Name] != "" {
			t.Skip("no default that could be tried")
		}
		context := firstPlace(r)
		conf := place(context, written(r.Name, strings.Fields(r.Default), false))
		if got := firstError(t, conf); strings.HasSuffix(got, ":3") {
			t.Errorf("got %q for\n%s", got, conf)
		}
	})
}
