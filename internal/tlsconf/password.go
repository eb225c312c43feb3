package tlsconf

import (
	"bytes"
	"errors"
	"io/fs"
)

// passwordLine is the longest line of a file of passwords, with its line feed.
const passwordLine = 4096

// Passwords loads the passwords of ssl_password_file, one on each line. Empty lines are left out; a
// file with no others has one empty password. Follows ngx_ssl_read_password_file.
func (f Files) Passwords(name string) (all []string, err error) {
	text, err := f.Read(name)
	if err != nil {
		return nil, placed("%s() \"%s\" failed (%s)", failedCall(err), name, systemError(err))
	}
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte("\n"))
		if len(line) >= passwordLine {
			return nil, placed("too long line in \"%s\"", name)
		}
		text = rest
		if line = bytes.TrimSuffix(line, []byte("\r")); len(line) > 0 {
			all = append(all, string(line))
		}
	}
	if len(all) == 0 {
		all = []string{""}
	}
	return all, nil
}

// failedCall returns the name of the system call that failed.
func failedCall(err error) string {
	var path *fs.PathError
	if errors.As(err, &path) && path.Op == "read" {
		return "read"
	}
	return "open"
}
