package accesslog

import (
	"container/list"
	"os"
	"sync"
	"time"

	"weir/internal/logfile"
)

// CacheConf are the parameters of open_log_file_cache.
type CacheConf struct {
	Max      int           // the maximum number of open files
	Inactive time.Duration // how long an idle file stays open
	MinUses  int           // the number of writes after which a file stays open
	Valid    time.Duration // the time after which to check that the name still refers to the same file
}

// A Cache keeps open the log files whose names contain variables. It follows ngx_open_cached_file,
// except that a missing file is created again at once, without losing a line. A nil Cache keeps no
// files. It is safe for concurrent use.
type Cache struct {
	conf CacheConf

	mu     sync.Mutex // held for bookkeeping only, not while files are opened, written or closed
	files  map[string]*list.Element
	recent *list.List // of *kept, the most recent first
	closed bool       // files are no longer kept open
}

// kept is the cache's entry for one name. The cache's mutex guards it.
type kept struct {
	name     string
	file     *openFile // nil if not open
	uses     int
	accessed time.Time
	checked  time.Time // when name was last known to refer to file
}

// NewCache returns an empty Cache.
func NewCache(conf CacheConf) *Cache {
	return &Cache{conf: conf, files: map[string]*list.Element{}, recent: list.New()}
}

// An openFile is closed when its last holder, the cache or a writer, releases it.
type openFile struct {
	*os.File
	holders int    // guarded by the cache's mutex
	cache   *Cache // nil if there is one holder
}

func (f *openFile) release() {
	if f.cache == nil || f.cache.released(f) {
		f.Close()
	}
}

// released removes one holder of f and reports whether it was the last.
func (c *Cache) released(f *openFile) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.holders--
	return f.holders == 0
}

func releaseAll(files []*openFile) {
	for _, f := range files {
		f.release()
	}
}

// open returns the file of that name, which the caller releases after the write.
func (c *Cache) open(name string, now time.Time) (*openFile, error) {
	if c == nil {
		f, err := logfile.OpenAppend(name)
		return &openFile{File: f}, err
	}
	f, fresh, dropped := c.use(name, now)
	releaseAll(dropped)
	if fresh {
		return f, nil
	}
	if f != nil && !f.isStill(name) {
		f.release()
		f = nil
	}
	if f == nil {
		opened, err := logfile.OpenAppend(name)
		if err != nil {
			return nil, err
		}
		f = &openFile{File: opened, holders: 1, cache: c}
	}
	c.put(name, f, now)
	return f, nil
}

// use records a write to name. It returns the file kept open for it, if any, whether that file need
// not be checked, and the files that were evicted.
func (c *Cache) use(name string, now time.Time) (f *openFile, fresh bool, dropped []*openFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.entry(name)
	k.uses++
	k.accessed = now
	dropped = c.expire(now)
	if k.file == nil {
		return nil, false, dropped
	}
	k.file.holders++
	return k.file, now.Sub(k.checked) < c.conf.Valid, dropped
}

// entry returns the entry for name, as the most recent one. Called with mu.
func (c *Cache) entry(name string) *kept {
	if e := c.files[name]; e != nil {
		c.recent.MoveToFront(e)
		return e.Value.(*kept)
	}
	k := &kept{name: name}
	c.files[name] = c.recent.PushFront(k)
	return k
}

// expire removes the names above the maximum number, and up to two that have not been written to
// for long. Called with mu.
func (c *Cache) expire(now time.Time) (dropped []*openFile) {
	for c.recent.Len() > c.conf.Max {
		dropped = c.forget(dropped)
	}
	for range 2 {
		if last := c.recent.Back(); last == nil || now.Sub(last.Value.(*kept).accessed) <= c.conf.Inactive {
			break
		}
		dropped = c.forget(dropped)
	}
	return dropped
}

// forget removes the least recently used name. Called with mu.
func (c *Cache) forget(dropped []*openFile) []*openFile {
	k := c.recent.Remove(c.recent.Back()).(*kept)
	delete(c.files, k.name)
	if k.file == nil {
		return dropped
	}
	return append(dropped, k.file)
}

// put keeps f open for name, as checked now, if name is used often enough. The holders of f keep
// it.
func (c *Cache) put(name string, f *openFile, now time.Time) {
	if old := c.exchange(name, f, now); old != nil {
		old.release()
	}
}

// exchange returns the file that f has replaced.
func (c *Cache) exchange(name string, f *openFile, now time.Time) (old *openFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.files[name]
	if e == nil || c.closed {
		return nil
	}
	k := e.Value.(*kept)
	if k.uses < c.conf.MinUses {
		return nil
	}
	k.checked = now
	if k.file == f {
		return nil
	}
	old, k.file = k.file, f
	f.holders++
	return old
}

// isStill reports whether name refers to f.
func (f *openFile) isStill(name string) bool {
	there, err := os.Stat(name)
	if err != nil {
		return false
	}
	here, err := f.Stat()
	return err == nil && os.SameFile(here, there)
}

// Close removes all names; each file is closed once no write to it is in progress. Later lines open
// and close their files.
func (c *Cache) Close() {
	releaseAll(c.forgetAll())
}

func (c *Cache) forgetAll() (dropped []*openFile) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for c.recent.Len() > 0 {
		dropped = c.forget(dropped)
	}
	return dropped
}
