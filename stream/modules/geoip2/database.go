package geoip2

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"weir/internal/errorlog"
	"weir/stream"
)

// A Database is a file that provides variables. Sessions read it without locks while Run replaces
// it.
type Database struct {
	Path     string
	Interval time.Duration // the interval between checks for changes of the file; 0 disables them

	read       ReadFile
	env        *stream.Env
	current    atomic.Pointer[file]
	lastCheck  atomic.Int64 // seconds since 1970
	lastChange atomic.Int64 // seconds since 1970
}

// New reads the file at path. The error has libmaxminddb's text.
func New(path string, read ReadFile, now time.Time) (*Database, error) {
	f, err := openFile(path, read)
	if err != nil {
		return nil, err
	}
	d := &Database{Path: path, read: read}
	d.current.Store(f)
	d.lastCheck.Store(now.Unix())
	d.lastChange.Store(now.Unix())
	return d, nil
}

// Key identifies the database across generations.
func (d *Database) Key() string { return "geoip2 " + d.Path }

// Open shares the data of old in memory if the content is the same.
func (d *Database) Open(_ context.Context, env *stream.Env, old stream.Part) error {
	d.env = env
	before, ok := old.(*Database)
	if !ok {
		return nil
	}
	if f := before.current.Load(); f.same(d.current.Load()) {
		d.current.Store(f)
	}
	return nil
}

// Close does nothing: sessions may still use the data in memory.
func (d *Database) Close() error { return nil }

// Run checks at each interval whether the file has changed, until ctx ends.
func (d *Database) Run(ctx context.Context) {
	if d.Interval == 0 {
		return
	}
	tick := time.NewTicker(d.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.check()
		}
	}
}

// check reads the file again if it is newer than the last one. It follows
// ngx_stream_geoip2_log_handler, with its levels and sentences.
func (d *Database) check() {
	d.lastCheck.Store(d.env.Now().Unix())
	info, err := os.Stat(d.Path)
	if err != nil {
		d.env.Log.Write(errorlog.Emerg, 0, "stat() \""+d.Path+"\" failed"+errorlog.Errno(err))
		return
	}
	modified := info.ModTime().Unix()
	if modified <= d.lastChange.Load() {
		return
	}
	f, err := openFile(d.Path, d.read)
	if err != nil {
		d.env.Log.Write(errorlog.Error, 0, "MMDB_open(\""+d.Path+"\") failed to reload - "+err.Error())
		return
	}
	d.lastChange.Store(modified)
	d.current.Store(f)
	d.env.Log.Write(errorlog.Info, 0, "Reload MMDB \""+d.Path+"\"")
}
