package directives

import (
	"strings"

	"weir/directives/conf"
	"weir/parser"
	"weir/stream"
	"weir/stream/modules/mapping"
)

// mapMain holds the settings of ngx_stream_map_module.
type mapMain struct {
	maxSize, bucketSize conf.Opt[int64]
	used                bool // a map has been read; nginx fixes the sizes then
}

// mapModule is ngx_stream_map_module. The sizes of nginx's hash tables have no effect.
var mapModule = &streamModule[mapMain, none]{
	Name: "ngx_stream_map_module",
	Main: []conf.Entry[mapMain]{
		{Name: "map", In: conf.Stream, Args: conf.Take(2), Body: conf.Pairs, Repeat: true, Set: (*mapMain).block},
		{Name: "map_hash_bucket_size", In: conf.Stream, Args: conf.Take(1), Default: "32|64|128", Support: conf.Inert,
			Set: hashSize(func(c *mapMain) *conf.Opt[int64] { return &c.bucketSize })},
		{Name: "map_hash_max_size", In: conf.Stream, Args: conf.Take(1), Default: "2048", Support: conf.Inert,
			Set: hashSize(func(c *mapMain) *conf.Opt[int64] { return &c.maxSize })},
	},
}

// hashSize sets a size that must be given before the first map.
func hashSize(field func(*mapMain) *conf.Opt[int64]) func(*mapMain, *conf.Call) {
	set := conf.Number(field)
	return func(c *mapMain, call *conf.Call) {
		if c.used {
			call.FailValue("is duplicate")
			return
		}
		set(c, call)
	}
}

// block follows ngx_stream_map_block.
func (c *mapMain) block(call *conf.Call) {
	c.used = true
	source, ok := parseTemplate(call, &call.Args()[0])
	if !ok {
		return
	}
	name, ok := newVariable(call, &call.Args()[1])
	if !ok {
		return
	}
	vars := configOf(call.Level).Vars
	lines := call.Dir.Body.Directives
	b := mapping.NewBuilder(source, vars, len(lines), keyBytes(lines))
	volatile := readMap(call, b)
	m := b.Map()
	redefine(vars, stream.Variable{
		Name: name, Changeable: true, NoCache: volatile, Get: m.Get, Configured: m.Literal(), Template: m.Template,
	})
}

// keyBytes returns the total length of the keys of the lines.
func keyBytes(lines []*parser.Directive) int {
	n := 0
	for _, d := range lines {
		n += len(d.Name.Text)
	}
	return n
}

// A mapTable is a map block that is being compiled.
type mapTable interface {
	Hostnames()
	Add(key, text string) error
}

// readMap reads the lines of a map, and reports whether one makes the variable volatile.
func readMap(call *conf.Call, table mapTable) (volatile bool) {
	eachLine(call, func(line *conf.Call) {
		switch {
		case isWord(line, "hostnames"):
			table.Hostnames()
		case isWord(line, "volatile"):
			volatile = true
		default:
			addLine(line, "invalid number of the map parameters", table.Add)
		}
	})
	return volatile
}

// isWord reports whether the line consists of that word.
func isWord(line *conf.Call, word string) bool {
	return len(line.Args()) == 0 && line.Dir.Name.Text == word
}

// addLine adds the key and the value of a line. wrongNumber is the message about other lines.
func addLine(line *conf.Call, wrongNumber string, add func(key, text string) error) {
	key := &line.Dir.Name
	if len(line.Args()) != 1 {
		line.Fail(key, "%s", wrongNumber)
		return
	}
	if err := add(key.Text, line.Arg(0)); err != nil {
		line.Fail(key, "%v", err)
	}
}

// newVariable reads the name of the variable that a block makes, and reserves it.
func newVariable(call *conf.Call, word *parser.Word) (name string, ok bool) {
	name, ok = variableName(call, word)
	if !ok {
		return "", false
	}
	err := configOf(call.Level).Vars.Define(stream.Variable{Name: name, Changeable: true})
	if err != nil {
		call.Fail(word, "%v", err)
		return "", false
	}
	return name, true
}

// variableName reads a word that consists of one variable.
func variableName(call *conf.Call, word *parser.Word) (name string, ok bool) {
	name, ok = strings.CutPrefix(word.Text, "$")
	if !ok || name == "" {
		call.Fail(word, "invalid variable name \"%s\"", word.Text)
		return "", false
	}
	return name, true
}

// redefine defines a variable whose name newVariable has reserved.
func redefine(vars *stream.VarTable, v stream.Variable) {
	if err := vars.Define(v); err != nil {
		panic("directives: " + err.Error())
	}
}

// eachLine calls take for each line of a block with its own grammar; no line may be a block.
func eachLine(call *conf.Call, take func(line *conf.Call)) {
	line := conf.Call{Level: call.Level}
	for _, d := range call.Dir.Body.Directives {
		line.Dir = d
		if d.Body != nil {
			line.Fail(nil, "unexpected \"{\"")
			continue
		}
		take(&line)
	}
}
