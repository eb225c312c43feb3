package logfile

import (
	"bytes"
	"compress/gzip"
	"time"
)

// Buffering configures how lines are buffered before they are written to a file.
//
// See access_log in https://nginx.org/en/docs/stream/ngx_stream_log_module.html.
type Buffering struct {
	Size  int           // in bytes, at least 1; 0 disables buffering
	Flush time.Duration // the maximum time that a line is buffered; 0 means until the buffer is full
	Gzip  int           // the compression level, 1 to 9; 0 disables compression
}

// unixOS is the operating system that zlib writes in a gzip header (RFC 1952).
const unixOS = 3

// A packer makes gzip members. The zero packer is ready.
type packer struct {
	zip *gzip.Writer
	out bytes.Buffer
}

// pack returns p as one gzip member, which is valid until the next call.
func (k *packer) pack(p []byte, level int) ([]byte, error) {
	if k.zip == nil {
		zip, err := gzip.NewWriterLevel(&k.out, level)
		if err != nil {
			return nil, err
		}
		k.zip = zip
	}
	k.out.Reset()
	k.zip.Reset(&k.out)
	k.zip.OS = unixOS
	if _, err := k.zip.Write(p); err != nil {
		return nil, err
	}
	if err := k.zip.Close(); err != nil {
		return nil, err
	}
	return k.out.Bytes(), nil
}
