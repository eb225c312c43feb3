package directives

import (
	"strings"

	"weir/directives/conf"
	"weir/parser"
	"weir/web"
	"weir/web/modules/rewrite"
)

// rewriteConf holds the directives of ngx_http_rewrite_module of one level, in order.
type rewriteConf struct {
	steps []rewriteStep
}

// A rewriteStep makes the directive when its level is built: the settings of an if are not known before.
type rewriteStep func(*httpServerBuild) web.Rewriter

// httpRewriteModule is ngx_http_rewrite_module.
var httpRewriteModule = &httpModule[none, none, rewriteConf]{
	Name: "ngx_http_rewrite_module",
	Location: []conf.Entry[rewriteConf]{
		{Name: "break", In: httpRewrite, Args: conf.None, Repeat: true, Set: (*rewriteConf).breakOff},
		{Name: "if", In: conf.HTTPServer | conf.Location, Args: conf.AtLeast(1), Body: conf.Nested, Repeat: true, Set: (*rewriteConf).ifBlock},
		{Name: "return", In: httpRewrite, Args: conf.Take(1, 2), Repeat: true, Set: (*rewriteConf).returns},
		{Name: "rewrite", In: httpRewrite, Args: conf.Take(2, 3), Repeat: true, Set: (*rewriteConf).rewrites},
		{Name: "set", In: httpRewrite, Args: conf.Take(2), Repeat: true, Set: (*rewriteConf).set},
	},
	Build: (*rewriteConf).build,
}

func (c *rewriteConf) add(w web.Rewriter) {
	c.steps = append(c.steps, func(*httpServerBuild) web.Rewriter { return w })
}

func (c *rewriteConf) breakOff(*conf.Call) { c.add(rewrite.Break{}) }

// isURL reports whether a text begins as an absolute URL does.
func isURL(text string) bool {
	return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "$scheme")
}

// returns follows ngx_http_rewrite_return.
func (c *rewriteConf) returns(call *conf.Call) {
	word := &call.Args()[0]
	n, ok := conf.ParseNumber(word.Text)
	alone := len(call.Args()) == 1
	switch {
	case !ok && alone && isURL(word.Text):
		n = 302
	case !ok || n > 999:
		call.Fail(word, "invalid return code \"%s\"", word.Text)
		return
	case alone:
		c.add(&rewrite.Return{Status: int(n)})
		return
	default:
		word = &call.Args()[1]
	}
	if text, ok := parseWebTemplate(call, word); ok {
		c.add(&rewrite.Return{Status: int(n), Text: text})
	}
}

// set follows ngx_http_rewrite_set.
func (c *rewriteConf) set(call *conf.Call) {
	name, ok := setVariable(call)
	if !ok {
		return
	}
	if value, ok := parseWebTemplate(call, &call.Args()[1]); ok {
		c.add(&rewrite.Set{Index: webOf(call.Level).Vars.Index(name), IsArgs: name == "args", Value: value})
	}
}

// setVariable defines the variable of set unless it is defined.
func setVariable(call *conf.Call) (name string, ok bool) {
	name, ok = variableName(call, &call.Args()[0])
	if !ok {
		return "", false
	}
	vars := webOf(call.Level).Vars
	if vars.Changeable(name) {
		return name, true
	}
	err := vars.Define(web.Variable{Name: name, Changeable: true, Get: rewrite.Uninitialized(name)})
	if err != nil {
		call.Fail(&call.Args()[0], "%v", err)
		return "", false
	}
	return name, true
}

// rewrites follows ngx_http_rewrite.
func (c *rewriteConf) rewrites(call *conf.Call) {
	to := call.Args()[1]
	if to.Text == "" {
		call.Fail(&call.Args()[1], "empty replacement")
		return
	}
	w := &rewrite.Rewrite{KeepArgs: !strings.HasSuffix(to.Text, "?")}
	to.Text = strings.TrimSuffix(to.Text, "?")
	if w.Pattern = parseWebRegex(call, &call.Args()[0], call.Arg(0), false); w.Pattern == nil {
		return
	}
	if isURL(to.Text) {
		w.Status = 302
	}
	if len(call.Args()) == 3 && !setRewriteFlag(w, call.Arg(2)) {
		call.Fail(&call.Args()[2], "invalid parameter \"%s\"", call.Arg(2))
		return
	}
	var ok bool
	if w.To, ok = parseWebTemplate(call, &to); ok {
		c.add(w)
	}
}

func setRewriteFlag(w *rewrite.Rewrite, flag string) bool {
	switch flag {
	case "last":
		w.Last = true
	case "break":
		w.Last, w.Stay = true, true
	case "redirect":
		w.Status = 302
	case "permanent":
		w.Status = 301
	default:
		return false
	}
	return true
}

// ifBlock follows ngx_http_rewrite_if.
func (c *rewriteConf) ifBlock(call *conf.Call) {
	inside := conf.IfInServer
	if call.Level.Context == conf.Location {
		inside = conf.IfInLocation
	}
	condition, ok := parseCondition(call)
	if !ok {
		return
	}
	level := call.NestWith(inside, func(l *conf.Level) { conf.At[httpLocation](l).block = true })
	c.steps = append(c.steps, func(s *httpServerBuild) web.Rewriter {
		block := s.location(level)
		w := &rewrite.If{Condition: condition, Then: block.Rewrite, Block: block}
		if inside == conf.IfInServer {
			w.Block = nil
		}
		return w
	})
}

// parseCondition follows ngx_http_rewrite_if_condition.
func parseCondition(call *conf.Call) (rewrite.Condition, bool) {
	words, ok := stripParentheses(call)
	if !ok {
		return nil, false
	}
	first := words[0].Text
	switch {
	case strings.HasPrefix(first, "$") && len(first) > 1:
		if len(words) == 1 || len(words) == 3 {
			return parseComparison(call, words)
		}
	case isFileTest(first) && len(words) == 2:
		if what, ok := parseWebTemplate(call, &words[1]); ok {
			kind := first[len(first)-1]
			return &rewrite.File{Kind: kind, Not: first[0] == '!', Path: what}, true
		}
		return nil, false
	}
	call.Fail(&words[0], "invalid condition \"%s\"", first)
	return nil, false
}

// isFileTest reports whether a word is -f, -d, -e, -x, or one of them after an exclamation mark.
func isFileTest(text string) bool {
	text = strings.TrimPrefix(text, "!")
	return len(text) == 2 && text[0] == '-' && strings.Contains("fdex", text[1:])
}

// stripParentheses returns the words within the parentheses of an if.
func stripParentheses(call *conf.Call) ([]parser.Word, bool) {
	words := append([]parser.Word(nil), call.Args()...)
	first, last := words[0], words[len(words)-1]
	if !strings.HasPrefix(first.Text, "(") {
		call.Fail(&first, "invalid condition \"%s\"", first.Text)
		return nil, false
	}
	if !strings.HasSuffix(last.Text, ")") {
		call.Fail(&last, "invalid condition \"%s\"", last.Text)
		return nil, false
	}
	words[0].Text = words[0].Text[1:]
	words[len(words)-1].Text = strings.TrimSuffix(words[len(words)-1].Text, ")")
	if words[0].Text == "" {
		words = words[1:]
	}
	if n := len(words); n > 0 && words[n-1].Text == "" && !words[n-1].Quoted && last.Text == ")" {
		words = words[:n-1]
	}
	if len(words) == 0 {
		call.Fail(&first, "invalid condition \"%s\"", strings.TrimSuffix(first.Text, ")"))
		return nil, false
	}
	return words, true
}

// parseComparison reads a variable, alone or with an operator and a value.
func parseComparison(call *conf.Call, words []parser.Word) (rewrite.Condition, bool) {
	name, ok := variableName(call, &words[0])
	if !ok {
		return nil, false
	}
	index := webOf(call.Level).Vars.Index(name)
	if len(words) == 1 {
		return rewrite.True(index), true
	}
	operator := words[1].Text
	switch operator {
	case "=", "!=":
		value, ok := parseWebTemplate(call, &words[2])
		return &rewrite.Equal{Index: index, Value: value, Not: operator == "!="}, ok
	case "~", "~*", "!~", "!~*":
		re := parseWebRegex(call, &words[2], words[2].Text, strings.HasSuffix(operator, "*"))
		return &rewrite.Match{Index: index, Pattern: re, Not: operator[0] == '!'}, re != nil
	}
	call.Fail(&words[1], "unexpected \"%s\" in condition", operator)
	return nil, false
}

// build makes the directives of a level.
func (c *rewriteConf) build(b *locationBuild) {
	var all []web.Rewriter
	for _, step := range c.steps {
		all = append(all, step(b.httpServerBuild))
	}
	if b.level.Context == conf.HTTPServer {
		b.server.Rewrite = all
		return
	}
	b.location.Rewrite = all
}
