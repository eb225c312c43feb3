package conformance

import (
	"fmt"
	"strconv"
	"strings"
)

// splitWords splits a command into words at blanks. 'x' is taken literally, "x" with Go's escapes;
// both may be parts of a word.
func splitWords(text string) ([]string, error) {
	var words []string
	for {
		text = strings.TrimLeft(text, " \t")
		if text == "" {
			return words, nil
		}
		word, rest, err := nextWord(text)
		if err != nil {
			return nil, err
		}
		words, text = append(words, word), rest
	}
}

func nextWord(text string) (word, rest string, err error) {
	for text != "" && text[0] != ' ' && text[0] != '\t' {
		var part string
		switch text[0] {
		case '\'':
			part, text, err = rawPart(text)
		case '"':
			part, text, err = escapedPart(text)
		default:
			n := strings.IndexAny(text, " \t'\"")
			if n < 0 {
				n = len(text)
			}
			part, text = text[:n], text[n:]
		}
		if err != nil {
			return "", "", err
		}
		word += part
	}
	return word, text, nil
}

func rawPart(text string) (part, rest string, err error) {
	part, rest, ok := strings.Cut(text[1:], "'")
	if !ok {
		return "", "", fmt.Errorf("missing ' in %s", text)
	}
	return part, rest, nil
}

func escapedPart(text string) (part, rest string, err error) {
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return "", "", fmt.Errorf("missing \" or bad escape in %s", text)
	}
	part, err = strconv.Unquote(quoted)
	return part, text[len(quoted):], err
}
