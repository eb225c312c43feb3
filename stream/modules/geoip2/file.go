// Package geoip2 provides variables with the data of a database in MaxMind's second format for an
// address, and reads the file again when it has changed.
//
// It follows the module ngx_stream_geoip2_module of Lee Valentine. See
// https://github.com/leev/ngx_http_geoip2_module.
package geoip2

import (
	"bytes"
	"errors"
	"io/fs"

	"github.com/oschwald/maxminddb-golang/v2"
)

// The errors of opening a file, in the words of libmaxminddb.
var (
	//lint:ignore ST1005 the words are the library's
	ErrOpen = errors.New("Error opening the specified MaxMind DB file")
	//lint:ignore ST1005 likewise
	ErrRead = errors.New("An attempt to read data from the MaxMind DB file failed")
	//lint:ignore ST1005 likewise
	ErrFormat = errors.New("The MaxMind DB file contains invalid metadata")
)

// A ReadFile returns the content of the file at path. It is safe for concurrent use.
type ReadFile func(path string) ([]byte, error)

// A file is the content of a database at one time. It is immutable.
type file struct {
	*maxminddb.Reader
	content []byte
}

// openFile reads the file at path into memory. It is not mapped: truncating a mapped file would
// crash the process.
func openFile(path string, read ReadFile) (*file, error) {
	content, err := read(path)
	var failed *fs.PathError
	switch {
	case errors.As(err, &failed) && failed.Op == "read":
		return nil, ErrRead
	case err != nil:
		return nil, ErrOpen
	case len(content) == 0:
		return nil, ErrRead
	}
	return parseFile(content)
}

func parseFile(content []byte) (*file, error) {
	r, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, ErrFormat
	}
	return &file{r, content}, nil
}

// same reports whether both have the same content.
func (f *file) same(other *file) bool { return bytes.Equal(f.content, other.content) }
