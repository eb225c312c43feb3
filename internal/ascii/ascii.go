// Package ascii handles the case of ASCII letters. Other bytes stay as they are, in any encoding, as
// in nginx.
package ascii

// Lower returns c in lower case.
func Lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// Upper returns c in upper case.
func Upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - 'a' + 'A'
	}
	return c
}

// ToLower returns text in lower case, as ngx_strlow does. It allocates only if text changes.
func ToLower(text string) string {
	for i := range len(text) {
		if text[i] != Lower(text[i]) {
			return string(lowered(text))
		}
	}
	return text
}

func lowered(text string) []byte {
	b := []byte(text)
	for i, c := range b {
		b[i] = Lower(c)
	}
	return b
}

// EqualFold reports whether a and b are equal, ignoring case, as ngx_strcasecmp does.
func EqualFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if Lower(a[i]) != Lower(b[i]) {
			return false
		}
	}
	return true
}
