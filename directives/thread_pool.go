package directives

import (
	"strings"

	"weir/directives/conf"
	"weir/parser"
)

// threadPool checks thread_pool, which has no effect because weir has no thread pools. It follows
// ngx_thread_pool.
func (c *coreConf) threadPool(call *conf.Call) {
	words := call.Args()
	name := words[0].Text
	if c.pools[name] {
		call.Fail(&words[0], "duplicate thread pool \"%s\"", name)
		return
	}
	threads := false
	for i := range words[1:] {
		word := &words[1+i]
		if strings.HasPrefix(word.Text, "threads=") {
			threads = true
		}
		if !checkPoolParameter(call, word) {
			return
		}
	}
	if !threads {
		call.Fail(nil, "\"%s\" must have \"threads\" parameter", call.Dir.Name.Text)
		return
	}
	if c.pools == nil {
		c.pools = map[string]bool{}
	}
	c.pools[name] = true
}

// checkPoolParameter checks a number of threads, which must not be 0, or the length of a queue.
// nginx ignores other words.
func checkPoolParameter(call *conf.Call, word *parser.Word) bool {
	name, value, ok := strings.Cut(word.Text, "=")
	if !ok || name != "threads" && name != "max_queue" {
		return true
	}
	n, ok := conf.ParseNumber(value)
	if !ok || n == 0 && name == "threads" {
		call.Fail(word, "invalid %s value \"%s\"", name, word.Text)
		return false
	}
	return true
}
