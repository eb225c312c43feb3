package directives

import (
	"fmt"
	"slices"
	"strings"

	"weir/directives/conf"
	"weir/parser/diag"
	"weir/web"
)

// httpMethods are the methods that limit_except knows.
var httpMethods = []string{
	"GET", "HEAD", "POST", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "OPTIONS", "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "PATCH",
}

// limitExcept follows ngx_http_core_limit_except.
func (c *httpLocation) limitExcept(call *conf.Call) {
	for i := range call.Args() {
		word := &call.Args()[i]
		method := strings.ToUpper(word.Text)
		if !slices.Contains(httpMethods, method) {
			call.Fail(word, "invalid method \"%s\"", word.Text)
			return
		}
		c.methods = append(c.methods, method)
	}
	c.except = call.Nest(conf.LimitExcept)
	conf.At[httpLocation](c.except).block = true
}

// location reads a location block. It follows ngx_http_core_location.
func (c *httpLocation) location(call *conf.Call) {
	inner := &httpLocation{}
	if !inner.setName(call) || !c.mayContain(call, inner) {
		return
	}
	call.NestWith(conf.Location, func(l *conf.Level) { *conf.At[httpLocation](l) = *inner })
}

// setName reads the arguments of location.
func (c *httpLocation) setName(call *conf.Call) bool {
	modifier, word := "", &call.Args()[0]
	name := word.Text
	if len(call.Args()) == 2 {
		modifier, word = name, &call.Args()[1]
		name = word.Text
	} else {
		modifier, name = splitModifier(name)
	}
	c.name = name
	switch modifier {
	case "":
		c.kind = web.Prefix
		if strings.HasPrefix(name, "@") {
			c.kind = web.Named
		}
	case "=":
		c.kind = web.Exact
	case "^~":
		c.kind = web.DecisivePrefix
	case "~", "~*":
		c.kind = web.Matching
		c.pattern = parseWebRegex(call, word, name, modifier == "~*")
		return c.pattern != nil
	default:
		call.Fail(&call.Args()[0], "invalid location modifier \"%s\"", modifier)
		return false
	}
	return true
}

// splitModifier divides a name that begins with a modifier.
func splitModifier(text string) (modifier, name string) {
	for _, m := range []string{"=", "^~", "~*", "~"} {
		if name, ok := strings.CutPrefix(text, m); ok {
			return m, name
		}
	}
	return "", text
}

// mayContain refuses locations that do not belong into the location c.
func (c *httpLocation) mayContain(call *conf.Call, inner *httpLocation) bool {
	if call.Level.Context != conf.Location {
		return true
	}
	sentence := ""
	switch {
	case c.kind == web.Exact:
		sentence = fmt.Sprintf("location \"%s\" cannot be inside the exact location \"%s\"", inner.name, c.name)
	case c.kind == web.Named:
		sentence = fmt.Sprintf("location \"%s\" cannot be inside the named location \"%s\"", inner.name, c.name)
	case inner.kind == web.Named:
		sentence = fmt.Sprintf("named location \"%s\" can be on the server level only", inner.name)
	case inner.kind != web.Matching && !strings.HasPrefix(inner.name, c.name):
		sentence = fmt.Sprintf("location \"%s\" is outside location \"%s\"", inner.name, c.name)
	default:
		return true
	}
	call.Fail(&call.Args()[len(call.Args())-1], "%s", sentence)
	return false
}

// checkLocations refuses two locations of one name. It follows ngx_http_join_exact_locations.
func checkLocations(c *conf.Compiler, level *conf.Level) {
	type key struct {
		exact bool
		kind  web.Kind
		name  string
	}
	seen := map[key]bool{}
	for _, inner := range level.Inner {
		l := conf.At[httpLocation](inner)
		if inner.Context != conf.Location {
			continue
		}
		k := key{l.kind == web.Exact, web.Prefix, l.name}
		if l.kind == web.Named {
			k.kind = web.Named
		}
		if l.kind != web.Matching && seen[k] {
			c.ReportBare(diag.Emerg, "duplicate location \"%s\" in %s", l.name, inner.Origin())
			return
		}
		seen[k] = true
		checkLocations(c, inner)
	}
}
