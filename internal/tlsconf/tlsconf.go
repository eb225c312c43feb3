// Package tlsconf turns TLS settings in nginx's words into configurations of crypto/tls, and verifies
// the certificates of peers.
//
// Settings are evaluated as OpenSSL does, as far as crypto/tls can follow. What it cannot do is
// reported: as an error if the connection would be less protected than the setting demands, and else
// as a warning.
//
// The package does no I/O: files are read by a function of the caller. All values are immutable after
// their construction and safe for concurrent use.
package tlsconf

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
)

// An Error is nginx's sentence about a setting that cannot be used.
type Error struct {
	Text string
	// HasPlace means that nginx logs the place of the directive after the sentence. It does not for
	// errors of OpenSSL.
	HasPlace bool
}

func (e *Error) Error() string { return e.Text }

// failed returns the error of a call of OpenSSL: its sentence, and the errors that OpenSSL has
// queued, in brackets.
func failed(queued string, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if queued != "" {
		text += " (SSL: " + queued + ")"
	}
	return &Error{Text: text}
}

// placed returns an error after which nginx logs the place of the directive.
func placed(format string, args ...any) error {
	return &Error{Text: fmt.Sprintf(format, args...), HasPlace: true}
}

// Files reads the files that settings name, by their full names.
type Files struct {
	Read func(path string) ([]byte, error)
}

// errnoOf returns the number of a system error; 0 if err has none.
func errnoOf(err error) syscall.Errno {
	var n syscall.Errno
	switch {
	case errors.As(err, &n):
		return n
	case errors.Is(err, fs.ErrNotExist):
		return syscall.ENOENT
	case errors.Is(err, fs.ErrPermission):
		return syscall.EACCES
	}
	return 0
}

// strerror returns the text of a system error as the C library has it.
func strerror(n syscall.Errno) string {
	text := n.Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

// systemError returns the text that nginx logs after a message: "2: No such file or directory".
func systemError(err error) string {
	n := errnoOf(err)
	if n == 0 {
		return err.Error()
	}
	return fmt.Sprintf("%d: %s", int(n), strerror(n))
}

// fopen returns the errors that OpenSSL queues for a file that it cannot open.
func fopen(path string, err error) string {
	n := errnoOf(err)
	if n == 0 {
		return err.Error()
	}
	library := "error:10080002:BIO routines::system lib"
	if n == syscall.ENOENT {
		library = "error:10000080:BIO routines::no such file"
	}
	return fmt.Sprintf("error:%08X:system library::%s:calling fopen(%s, r) %s", 0x80000000|uint32(n), strerror(n), path, library)
}

// inlinePrefix begins a value that is the text of the file.
const inlinePrefix = "data:"

// IsCertificateFile reports whether the value of ssl_certificate is the name of a file.
func IsCertificateFile(value string) bool { return !strings.HasPrefix(value, inlinePrefix) }

// IsKeyFile reports whether the value of ssl_certificate_key is the name of a file.
func IsKeyFile(value string) bool {
	return IsCertificateFile(value) && !strings.HasPrefix(value, enginePrefix) && !strings.HasPrefix(value, storePrefix)
}

// text returns the contents of a file or of an inline value. A directory opens and reads as empty, as
// in C.
func (f Files) text(value string) ([]byte, error) {
	if inline, ok := strings.CutPrefix(value, inlinePrefix); ok {
		return []byte(inline), nil
	}
	text, err := f.Read(value)
	if errnoOf(err) == syscall.EISDIR {
		return nil, nil
	}
	return text, err
}
