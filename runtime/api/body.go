package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"unicode/utf8"
)

// defaultBodyLimit is the default of client_body_buffer_size.
const defaultBodyLimit = 16 << 10

// errTooLarge means that a body does not fit into its buffer.
var errTooLarge = errors.New("api: body too large")

// readBody reads the body of a request. It fails with errTooLarge or errBodyRead.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if limit <= 0 {
		limit = defaultBodyLimit
	}
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	switch {
	case int64(len(body)) > limit:
		return nil, errTooLarge
	case err != nil:
		return nil, errBodyRead
	}
	return body, nil
}

// An item is a member of the object in a body.
type item struct {
	name   string
	value  any // string, json.Number, bool or nil
	nested bool
}

// parseBody returns the members of the object in a body, in order. The error is errJSON if the body is
// no JSON object in UTF-8. The depth of a body is limited by encoding/json.
func parseBody(body []byte) ([]item, *Error) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return nil, errJSON
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, errJSON
	}
	var items []item
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errJSON
		}
		var raw json.RawMessage
		if d.Decode(&raw) != nil {
			return nil, errJSON
		}
		items = append(items, newItem(name.(string), raw))
	}
	return items, nil
}

// newItem returns an item whose value is raw, which is valid JSON.
func newItem(name string, raw json.RawMessage) item {
	i := item{name: name, nested: raw[0] == '{' || raw[0] == '['}
	if !i.nested {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		d.Decode(&i.value)
	}
	return i
}

// duplicate returns the name of an item that occurs twice.
func duplicate(items []item) (string, bool) {
	seen := make(map[string]bool, len(items))
	for _, i := range items {
		if seen[i.name] {
			return i.name, true
		}
		seen[i.name] = true
	}
	return "", false
}
