package directives

import (
	"slices"
	"strings"

	"weir/directives/conf"
	"weir/parser"
	"weir/stream"
	"weir/stream/modules/geoip2"
)

// geoip2Main is the settings of ngx_stream_geoip2_module: the databases, which are read while compiling.
type geoip2Main struct{ databases []*geoip2.Database }

// geoip2Module is ngx_stream_geoip2_module, a third-party module: Debian has it as
// libnginx-mod-stream-geoip2.
var geoip2Module = &streamModule[geoip2Main, none]{
	Name: "ngx_stream_geoip2_module",
	Main: []conf.Entry[geoip2Main]{
		{Name: "geoip2", In: conf.Stream, Args: conf.Take(1), Body: conf.Pairs, Repeat: true, Extension: true, Set: (*geoip2Main).block},
	},
	Init: (*geoip2Main).init,
}

func (c *geoip2Main) init(s *streamBuild) {
	for _, d := range c.databases {
		s.addPart(d)
	}
}

// block follows ngx_stream_geoip2.
func (c *geoip2Main) block(call *conf.Call) {
	file := &call.Args()[0]
	env := call.Compiler().Env
	path := env.Path(file.Text)
	if slices.ContainsFunc(c.databases, func(d *geoip2.Database) bool { return d.Path == path }) {
		call.Fail(file, "Duplicate GeoIP2 mmdb - %s", path)
		return
	}
	d, err := geoip2.New(path, env.ReadFile, env.Now())
	if err != nil {
		call.Fail(file, "MMDB_open(\"%s\") failed - %v", path, err)
		return
	}
	c.databases = append(c.databases, d)
	eachLine(call, func(line *conf.Call) { geoip2Line(d, line) })
}

// geoip2Line follows ngx_stream_geoip2_parse_config.
func geoip2Line(d *geoip2.Database, line *conf.Call) {
	switch word := &line.Dir.Name; {
	case strings.HasPrefix(word.Text, "$"):
		geoip2Variable(d, line)
	case word.Text == "auto_reload":
		geoip2Reload(d, line)
	default:
		line.Fail(word, "invalid setting \"%s\"", word.Text)
	}
}

func geoip2Reload(d *geoip2.Database, line *conf.Call) {
	if len(line.Args()) != 1 {
		line.Fail(nil, "invalid number of arguments for auto_reload")
		return
	}
	interval, ok := conf.ParseSec(line.Arg(0))
	if !ok {
		line.Fail(&line.Args()[0], "invalid interval for auto_reload \"%s\"", line.Arg(0))
		return
	}
	d.Interval = interval
}

// geoip2Variable follows ngx_stream_geoip2_add_variable and the two functions that it calls.
func geoip2Variable(d *geoip2.Database, line *conf.Call) {
	if len(line.Args()) > 0 && line.Arg(0) == "metadata" {
		name := ""
		if len(line.Args()) > 1 {
			name = line.Arg(1)
		}
		defineGeoIP2(line, geoip2.Metadata(d, name))
		return
	}
	v := &geoip2.Value{Database: d}
	for i := range line.Args() {
		word := &line.Args()[i]
		if !strings.Contains(word.Text, "=") {
			v.Path = texts(line.Args()[i:])
			break
		}
		if !geoip2Setting(v, line, word) {
			return
		}
	}
	defineGeoIP2(line, v.Get)
}

// geoip2Setting reads default=VALUE or source=$VARIABLE.
func geoip2Setting(v *geoip2.Value, line *conf.Call, word *parser.Word) bool {
	variable := line.Dir.Name.Text
	key, value, _ := strings.Cut(word.Text, "=")
	switch {
	case key == "default" && value != "" && v.Default != "":
		line.Fail(word, "default has already been declared for  \"%s\"", variable)
	case key == "default" && value != "":
		v.Default = value
		return true
	case key == "source" && value != "" && v.Source != nil:
		line.Fail(word, "source has already been declared for  \"%s\"", variable)
	case key == "source" && value != "":
		return geoip2Source(v, line, word, value)
	default:
		line.Fail(word, "invalid setting \"%s\" for \"%s\"", word.Text, variable)
	}
	return false
}

func geoip2Source(v *geoip2.Value, line *conf.Call, word *parser.Word, text string) bool {
	if text[0] != '$' {
		line.Fail(word, "invalid source variable name \"%s\"", text)
		return false
	}
	source, ok := parseTemplate(line, &parser.Word{Pos: word.Pos, Text: text})
	v.Source = &source
	return ok
}

func defineGeoIP2(line *conf.Call, get func(*stream.Session) (string, bool)) {
	name, ok := newVariable(line, &line.Dir.Name)
	if ok {
		redefine(configOf(line.Level).Vars, stream.Variable{Name: name, Changeable: true, Get: get})
	}
}

func texts(words []parser.Word) []string {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = w.Text
	}
	return all
}
