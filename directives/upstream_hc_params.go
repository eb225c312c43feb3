package directives

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"weir/directives/conf"
	"weir/stream/modules/healthcheck"
)

// A checkUse is one health_check.
type checkUse struct {
	call       *conf.Call
	interval   time.Duration
	jitter     time.Duration
	fails      int
	passes     int
	mandatory  bool
	persistent bool
	match      string
	port       uint16
	udp        bool
	kind       string // the value of type, which nginx does not have; empty without it
	mqtt       healthcheck.MQTT
	http       httpCheck
}

// The values of type.
const (
	kindMQTT = "mqtt"
	kindHTTP = "http"
)

// An httpCheck contains the parameters of type=http.
type httpCheck struct {
	uri      string
	statuses []healthcheck.StatusRange
	drains   bool
}

var defaultStatuses = []healthcheck.StatusRange{{From: 200, To: 200}}

// typeOf lists the parameters that one type has.
var typeOf = map[string]string{
	"client_id": kindMQTT, "user": kindMQTT, "password": kindMQTT, "version": kindMQTT,
	"uri": kindHTTP, "status": kindHTTP, "mode": kindHTTP,
}

// params reads the parameters.
func (u *checkUse) params() bool {
	given := map[string]bool{}
	for i := range u.call.Args() {
		word := &u.call.Args()[i]
		name, value, _ := strings.Cut(word.Text, "=")
		given[name] = true
		if word.Text == "match=" || !u.set(word.Text, name, value) {
			u.call.Fail(word, "invalid parameter \"%s\"", word.Text)
			return false
		}
	}
	return u.fits(given)
}

// fits reports whether the parameters fit together.
func (u *checkUse) fits(given map[string]bool) bool {
	switch {
	case u.persistent && !u.mandatory:
		u.call.Fail(nil, "\"persistent\" requires \"mandatory\"")
		return false
	case u.kind != "" && u.match != "":
		u.call.Fail(nil, "\"match\" cannot be used with \"type=%s\"", u.kind)
		return false
	case u.kind != "" && u.udp:
		u.call.Fail(nil, "\"udp\" cannot be used with \"type=%s\"", u.kind)
		return false
	case u.mqtt.HasPassword && !u.mqtt.HasUsername && !u.mqtt.IsV5:
		u.call.Fail(nil, "\"password\" requires \"user\" or \"version=5\"")
		return false
	case u.kind == kindHTTP && u.http.uri == "":
		u.call.Fail(nil, "\"type=http\" requires \"uri\"")
		return false
	}
	for _, name := range slices.Sorted(maps.Keys(typeOf)) {
		if given[name] && typeOf[name] != u.kind {
			u.call.Fail(nil, "\"%s\" requires \"type=%s\"", name, typeOf[name])
			return false
		}
	}
	return true
}

// set reads one parameter and reports whether it is valid.
func (u *checkUse) set(text, name, value string) (ok bool) {
	switch {
	case text == "mandatory":
		u.mandatory = true
	case text == "persistent":
		u.persistent = true
	case text == "udp":
		u.udp = true
	case name == text:
		return false
	case name == "match":
		u.match = value
	case name == "interval":
		u.interval, ok = conf.ParseMsec(value)
		return ok && u.interval > 0
	case name == "jitter":
		u.jitter, ok = conf.ParseMsec(value)
		return ok
	case name == "fails":
		u.fails, ok = parseInt(value)
		return ok && u.fails > 0
	case name == "passes":
		u.passes, ok = parseInt(value)
		return ok && u.passes > 0
	case name == "port":
		n, ok := parseInt(value)
		u.port = uint16(n)
		return ok && 0 < n && n <= math.MaxUint16
	default:
		return u.setOwn(name, value)
	}
	return true
}

// setOwn reads one of the parameters that nginx does not have.
func (u *checkUse) setOwn(name, value string) (ok bool) {
	switch name {
	case "type":
		u.kind = value
		return value == kindMQTT || value == kindHTTP
	case "client_id":
		u.mqtt.ClientID = value
		return isField(value) && value != ""
	case "user":
		u.mqtt.Username, u.mqtt.HasUsername = value, true
		return isField(value)
	case "password":
		u.mqtt.Password, u.mqtt.HasPassword = value, true
		return isField(value)
	case "version":
		u.mqtt.IsV5 = value == "5"
		return value == "5" || value == "3.1.1"
	case "uri":
		u.http.uri = value
		return strings.HasPrefix(value, "/") && isPrintable(value)
	case "status":
		u.http.statuses, ok = parseStatuses(value)
		return ok
	case "mode":
		u.http.drains = true
		return value == "drain"
	}
	return false
}

// isField reports whether text can be a string of MQTT.
func isField(text string) bool {
	return len(text) <= math.MaxUint16 && utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// parseStatuses parses a list such as "200,202-204".
func parseStatuses(text string) (all []healthcheck.StatusRange, ok bool) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		r := healthcheck.StatusRange{}
		if r.From, ok = parseStatus(first); !ok {
			return nil, false
		}
		if r.To, ok = parseStatus(last); !ok || r.To < r.From {
			return nil, false
		}
		all = append(all, r)
	}
	return all, true
}

func parseStatus(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 16)
	return int(n), err == nil && len(text) == 3 && 100 <= n && n <= 599
}
