package logfile

import (
	"bytes"
	"compress/gzip"
	"time"
)

// Buffering says how lines are held back in front of a file.
//
// See access_log in https://nginx.org/en/docs/stream/ngx_stream_log_module.html.
type Buffering struct {
	Size  int           // in bytes, at least 1; 0: lines are not held back
	Flush time.Duration // the longest that a line is held back; 0: until the buffer is full
	Gzip  int           // the compression level, 1 to 9; 0: not compressed
}

// unixOS is what zlib writes as the system into a header of gzip (RFC 1952).
const unixOS = 3

// A packer makes gzip members. The zero packer is ready.
type packer struct {
	zip *gzip.Writer
	out bytes.Buffer
}

// pack returns p as one member, which is valid until the next call.
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
