package runtime

// A notifier reports changes in the file system.
type notifier interface {
	// notices delivers what has changed, until close.
	notices() <-chan notice
	// watch makes the watched places those of t. It reports whether one of them was not watched before. With an error some are not
	// watched; a place that does not exist is no error.
	watch(t *trail) (added bool, err error)
	// close ends the notifier and returns when nothing of it runs.
	close()
}

// A notice is one change.
type notice struct {
	kind noticeKind
	path string // full path, without links; "" with noticeLost
}

// A noticeKind is what a notice says about its path.
type noticeKind int

const (
	noticeChanged noticeKind = iota // the name, or what it leads to, has changed
	noticeWriting                   // a program writes to the file and has not closed it
	noticeWritten                   // the file is complete: it has been closed after writing, or moved here
	noticeLost                      // an unknown number of notices is missing
)
