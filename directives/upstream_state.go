package directives

import (
	"errors"
	"io/fs"

	"weir/directives/conf"
	"weir/parser"
	"weir/parser/diag"
)

// setState reads the servers of the group from a file that the group writes again after each change.
// A file that does not exist has no servers.
func (c *groupConf) setState(call *conf.Call) {
	env := call.Compiler().Env
	word := &call.Args()[0]
	switch {
	case len(c.servers) > 0:
		call.FailValue("is incompatible with \"server\"")
		return
	case word.Text == "":
		call.Fail(word, "empty path in \"state\" directive")
		return
	}
	c.state = env.Path(word.Text)
	text, err := env.ReadState(c.state)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err != nil:
		call.Fail(word, "open() \"%s\" failed (%s)", c.state, diag.Cause(err))
		return
	}
	c.reading = true
	defer func() { c.reading = false }()
	tree, faults := parser.Load(parser.Source{Path: c.state, Text: append([]byte{}, text...), ReadFile: includesNothing})
	call.WalkFile(tree.Root, "server", faults)
}

// errInclude is the reason why a state file cannot include another file.
var errInclude = errors.New("a state file cannot include other files")

func includesNothing(string) ([]byte, error) { return nil, errInclude }
