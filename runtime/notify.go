package runtime

// A notifier reports changes in the file system.
type notifier interface {
	// notices returns the channel of changes, until close.
	notices() <-chan notice
	// watch replaces the watched places by those of t. It reports whether one of them was not watched
	// before. After an error some are not watched; a missing place is not an error.
	watch(t *watchPaths) (added bool, err error)
	// close ends the notifier and returns when its goroutines have ended.
	close()
}

// A notice is one change.
type notice struct {
	kind noticeKind
	path string // full path, without links; "" with noticeLost
}

// A noticeKind is the kind of change at the path.
type noticeKind int

const (
	noticeChanged noticeKind = iota // the name, or its target, has changed
	noticeWriting                   // a program writes to the file and has not closed it
	noticeWritten                   // the file is complete: it has been closed after writing, or moved here
	noticeLost                      // an unknown number of notices is missing
)
