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
	Max      int           // the most files that are kept open
	Inactive time.Duration // for how long a file is kept that nobody writes to
	MinUses  int           // a file is kept once it has been written to that often
	Valid    time.Duration // after which it is looked whether the name still means the same file
}

// A Cache keeps log files open whose names are made of variables. It follows ngx_open_cached_file, but that a file which has gone is
// made again at once, with no line lost. A nil Cache keeps none. It is safe for concurrent use.
type Cache struct {
	conf CacheConf

	mu     sync.Mutex // held for the bookkeeping only, not while files are opened, written or closed
	files  map[string]*list.Element
	recent *list.List // of *kept, the latest first
	closed bool       // nothing is kept any more
}

// kept is what a Cache knows of one name. It is guarded by the cache's mutex.
type kept struct {
	name     string
	file     *openFile // nil: not open
	uses     int
	accessed time.Time
	checked  time.Time // when name was last known to mean file
}

// NewCache returns an empty Cache.
func NewCache(conf CacheConf) *Cache {
	return &Cache{conf: conf, files: map[string]*list.Element{}, recent: list.New()}
}

// An openFile is closed when the last who holds it, the cache or a writer, has released it.
type openFile struct {
	*os.File
	holders int    // guarded by the cache's mutex
	cache   *Cache // nil: there is one holder
}

func (f *openFile) release() {
	if f.cache == nil || f.cache.released(f) {
		f.Close()
	}
}

// released reports whether f has lost its last holder.
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

// use notes that name is written to. It returns the file that is kept for it, if there is one, whether that need not be looked at
// again, and the files that had to go.
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

// entry returns what is known of name, as the latest of all. Called with mu.
func (c *Cache) entry(name string) *kept {
	if e := c.files[name]; e != nil {
		c.recent.MoveToFront(e)
		return e.Value.(*kept)
	}
	k := &kept{name: name}
	c.files[name] = c.recent.PushFront(k)
	return k
}

// expire forgets the names beyond the largest number, and up to two that nobody has written to for long. Called with mu.
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

// forget drops the name that was used least recently. Called with mu.
func (c *Cache) forget(dropped []*openFile) []*openFile {
	k := c.recent.Remove(c.recent.Back()).(*kept)
	delete(c.files, k.name)
	if k.file == nil {
		return dropped
	}
	return append(dropped, k.file)
}

// put keeps f for name, from now on known to be right, if name is used often enough. Whoever holds f goes on holding it.
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

// isStill reports whether name means f.
func (f *openFile) isStill(name string) bool {
	there, err := os.Stat(name)
	if err != nil {
		return false
	}
	here, err := f.Stat()
	return err == nil && os.SameFile(here, there)
}

// Close forgets all names; each file is closed once nobody writes to it. Later lines open and close their files.
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
