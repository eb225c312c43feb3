// Package geoip2 provides variables with the data of a database in MaxMind's second format for an
// address, and reads the file again when it has changed.
//
// It follows the module ngx_stream_geoip2_module of Lee Valentine. See
// https://github.com/leev/ngx_http_geoip2_module.
package geoip2

import (
	"errors"
	"io"
	"io/fs"
	"os"

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

// A file is the content of a database at one time. It is immutable.
type file struct {
	*maxminddb.Reader
	info fs.FileInfo // of the file read
}

// openFile reads the file at path into memory. It is not mapped: truncating a mapped file would
// crash the process.
func openFile(path string) (*file, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, ErrOpen
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
		return nil, ErrRead
	}
	content := make([]byte, info.Size())
	if _, err := io.ReadFull(f, content); err != nil {
		return nil, ErrRead
	}
	return parseFile(content, info)
}

func parseFile(content []byte, info fs.FileInfo) (*file, error) {
	r, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, ErrFormat
	}
	return &file{r, info}, nil
}

// same reports whether both were read from the same unchanged file.
func (f *file) same(other *file) bool {
	return os.SameFile(f.info, other.info) && f.info.Size() == other.info.Size() && f.info.ModTime().Equal(other.info.ModTime())
}
