package main

import (
	"regexp"
	"slices"
	"strings"

	"weir/conformance/nginx"
)

// A rule explains why the verdicts of a trial differ.
type rule struct {
	class   class
	reason  string
	holds   func(r *result) bool
	since   nginx.Version // only an older nginx differs; zero matches any
	product string        // only this program differs; empty matches any
}

// appliesTo reports whether the rule can explain a difference from that program.
func (r *rule) appliesTo(b *nginx.Build) bool {
	if r.product != "" {
		return b.Product == r.product
	}
	return r.since == nginx.Version{} || b.Version.Before(r.since)
}

// since returns the rule for nginx behaviour since a version: weir follows it, and older versions
// differ.
func since(version, reason string, holds func(*result) bool) rule {
	v, err := nginx.ParseVersion(version)
	if err != nil {
		panic(err)
	}
	return rule{class: newer, reason: reason + ", since " + version, holds: holds, since: v}
}

// other returns the rule for behaviour that only another edition or another njs has.
func other(reason string, holds func(*result) bool) rule {
	return rule{class: newer, reason: reason, holds: holds}
}

// ofAngie returns the rule for behaviour in which Angie differs from the nginx it is derived from.
func ofAngie(reason string, holds func(*result) bool) rule {
	return rule{class: newer, reason: "Angie: " + reason, holds: holds, product: "Angie"}
}

// onPurpose returns the rule for behaviour in which weir differs from every nginx.
func onPurpose(reason string, holds func(*result) bool) rule {
	return rule{class: purpose, reason: reason, holds: holds}
}

// rules are tried in order.
var rules = []rule{
	since("1.31.0", "`least_time`", nginxFinds(`^\[emerg\] unknown directive "least_time"`)),
	since("1.25.5", "`server_name` and `pass`", nginxFinds(`^\[emerg\] unknown directive "(server_name|pass)"`)),
	other("a directive of the commercial edition", nginxFinds(`^\[emerg\] unknown directive "(mqtt_preread|num_map|keyval|keyval_zone)"`)),
	since("1.27.3", "`resolver` in `upstream`", nginxStops(`^\[emerg\] "resolver(_timeout)?" directive is not allowed here`)),
	since("1.23.1", "`ipv4=` of `resolver`", nginxStops(`^\[emerg\] host not found in resolver "ipv4=`)),
	other("`status_zone=` of `resolver`, in the commercial edition", nginxStops(`^\[emerg\] (host not found|invalid port) in resolver "status_zone=`)),
	other("an `upstream` with `zone` and without servers, in the commercial edition",
		all(nginxStops(`^\[emerg\] no servers are inside upstream`), conf(`upstream u \{[^}]*\bzone\b`))),
	since("1.27.1", "a server that has nothing to do", nginxStops(`^\[emerg\] no handler for server `)),
	since("1.25.5", "one address in several servers", nginxStops(`^\[emerg\] duplicate ".*" address and port pair `)),
	since("1.25.5", "the certificates of servers without TLS are read",
		all(weirFinds(`^\[emerg\] (no "ssl_certificate_key" is defined for certificate|cannot load |.*\(SSL:|no ssl_client_certificate)`), nginxAccepts)),
	since("1.25.5", "a `listen … ssl` without a certificate is found at the end of `stream`, in the line of the server",
		weirFinds(`^\[emerg\] no "ssl_certificate" is defined for the "listen`)),
	since("1.25.5", "a `listen` without a port", nginxStops(`^\[emerg\] no port in ".*" of the "listen" directive`)),
	since("1.25.5", "`listen … deferred`", nginxStops(`^\[emerg\] the invalid "deferred" parameter`)),
	since("1.29.3", "`volatile` in `geo`", all(nginxStops(`^\[emerg\] invalid number of the geo parameters`), conf(`(?m)^volatile;$`))),
	since("1.29.6", "`sticky` is known in `http`", all(nginxFinds(`^\[emerg\] unknown directive "sticky"`),
		weirFinds(`^\[emerg\] "sticky" directive is not allowed`))),
	other("`js_set … nocache`, of a later njs", nginxStops(`^\[emerg\] invalid number of arguments in "js_set"`)),
	since("1.23.2", "`$proxy_protocol_tlv_NAME`", nginxStops(`^\[emerg\] unknown "proxy_protocol_tlv_.*" variable$`)),
	since("1.25.5", "`invalid parameter \"X\"` of `listen`, which was `the invalid \"X\" parameter`",
		rewritten(`the invalid "(.*)" parameter`, `invalid parameter "$1"`)),
	since("1.25.5", "`fastopen` is the first parameter that `udp` excludes", all(nginxFinds(`parameter is incompatible with "udp"`),
		weirFinds(`^\[emerg\] "listen" directive "fastopen" parameter is incompatible`))),
	since("1.31.5", "`proxy_protocol v2`, and what else is an invalid value",
		rewritten(`(invalid value ".*") in "proxy_protocol" directive, it must be "on" or "off"`, `$1`)),
	since("1.27.3", "an address in brackets without a port in `proxy_bind`", nginxStops(`^\[emerg\] invalid address "\[.*\]" in`)),
	since("1.29.8", "masks in the includes of `geo`", nginxStops(`^\[emerg\] open\(\) ".*\*.*" failed`)),
	ofAngie("an unknown variable is no error of a test", weirFinds(`^\[emerg\] unknown ".*" variable$`)),
	ofAngie("a name in `proxy_pass` needs no port, and is looked up later",
		all(weirFinds(`^\[emerg\] (no port|host not found) in upstream `), nginxAccepts)),
	ofAngie("several `stream` blocks", weirFinds(`^\[emerg\] "stream" directive is duplicate`)),
	ofAngie("a group needs no servers, or none but backups", weirFinds(`^\[emerg\] no servers (are inside|in) upstream`)),
	ofAngie("a zone needs no name before its size, or no size",
		weirFinds(`^\[emerg\] (invalid zone size|zero size shared memory zone) "zone=`)),
	ofAngie("servers of one name are found after the syntax", inAnotherOrder),
	ofAngie("lines of another greatest length", weirFinds(`x{1000}`)),
	ofAngie("`least_time` has other parameters", conf(`least_time`)),
	ofAngie("sentences about the size of a zone", nginxFinds(`^\[emerg\] (zone ".*" is too small, at least|invalid zone (size|specification)|too small zone)`)),
	ofAngie("`sticky` in `upstream`", nginxFinds(`"sticky" directive`)),
	ofAngie("too few `worker_connections` are no error of a test", weirFinds(`^\[emerg\] \d+ worker_connections are not enough`)),
	onPurpose("no name server at a unix socket", weirFinds(`^\[emerg\] "resolver" does not support unix sockets`)),
	onPurpose("a zero byte is a byte like any other", conf(`\x00`)),
	onPurpose("the word of a syslog server is shown as it stands", nginxLogs(`\x00`)),
	onPurpose("`load_module` opens no file", nginxFinds(`^\[emerg\] dlopen\(\) `)),
	onPurpose("there are no hash tables with buckets", nginxLogs(`(?m)^\[(warn|emerg)\] could not build (optimal )?(variables|map)_hash`)),
	onPurpose("there is no log in memory", conf(`error_log memory:`)),
	onPurpose("zones reserve no memory", nginxLogs(`\[alert\] mmap\(MAP_ANON`)),
	onPurpose("buffers are made when they are used", nginxFinds(`^\[emerg\] (malloc|posix_memalign)\(`)),
	onPurpose("control characters, and bytes that are not UTF-8, are written as `\\x0A`", withEscapes),
	onPurpose("versions of TLS below a gap are not offered", extraLine(`^\[warn\] versions of TLS below a gap in the list are ignored`)),
	onPurpose("weir warns that it stays root", extraLine(`^\[warn\] the "user" directive is not supported yet, `)),
	onPurpose("a line of one word in `split_clients` is refused", weirFinds(`^\[emerg\] invalid number of the split_clients parameters`)),
}

// all matches if both rules match.
func all(one, other func(*result) bool) func(*result) bool {
	return func(r *result) bool { return one(r) && other(r) }
}

// conf matches if the configuration matches the expression.
func conf(expression string) func(*result) bool {
	re := regexp.MustCompile(expression)
	return func(r *result) bool { return re.MatchString(r.conf) }
}

// nginxLogs matches if an nginx line of any severity matches the expression.
func nginxLogs(expression string) func(*result) bool {
	re := regexp.MustCompile(expression)
	return func(r *result) bool { return re.MatchString(r.nginx.String()) }
}

// nginxAccepts matches if nginx accepts the syntax.
func nginxAccepts(r *result) bool { return slices.ContainsFunc(r.nginx.lines, isSyntaxOK) }

func isSyntaxOK(line string) bool { return strings.HasSuffix(line, " syntax is ok") }

// inAnotherOrder matches if both print the same lines.
func inAnotherOrder(r *result) bool {
	return r.weir.code == r.nginx.code && slices.Equal(slices.Sorted(slices.Values(r.weir.lines)), slices.Sorted(slices.Values(r.nginx.lines)))
}

// nginxStops matches if nginx's first error matches the expression and weir has found none before
// that line.
func nginxStops(expression string) func(*result) bool {
	finds := nginxFinds(expression)
	return func(r *result) bool { return finds(r) && lineOf(r.weir.firstError()) >= lineOf(r.nginx.firstError()) }
}

// nginxFinds matches if nginx's first error matches the expression.
func nginxFinds(expression string) func(*result) bool {
	re := regexp.MustCompile(expression)
	return func(r *result) bool { return re.MatchString(r.nginx.firstError()) }
}

func weirFinds(expression string) func(*result) bool {
	re := regexp.MustCompile(expression)
	return func(r *result) bool { return re.MatchString(r.weir.firstError()) }
}

// rewritten matches if the verdicts are equal after nginx's message is replaced with that of later
// versions.
func rewritten(expression, as string) func(*result) bool {
	re := regexp.MustCompile(expression)
	return func(r *result) bool {
		return r.weir.code == r.nginx.code && strings.Join(r.weir.lines, "\n") == re.ReplaceAllString(strings.Join(r.nginx.lines, "\n"), as)
	}
}

// extraLine matches if the verdicts are equal except for lines of weir that match the expression.
func extraLine(expression string) func(*result) bool {
	re := regexp.MustCompile(expression)
	return func(r *result) bool {
		weir := verdict{slices.DeleteFunc(slices.Clone(r.weir.lines), re.MatchString), r.weir.code}
		return weir.String() == r.nginx.String()
	}
}

// unprinted matches the characters that weir escapes; in nginx's lines these include bytes that are
// not UTF-8.
var (
	unprinted = regexp.MustCompile(`[\x00-\x1f\x7f]`)
	escaped   = regexp.MustCompile(`\\x[0-9A-F]{2}|[\x00-\x1f\x7f]`)
)

// withEscapes matches if the verdicts are equal except for characters that weir escapes: nginx ends
// some words at a zero byte.
func withEscapes(r *result) bool {
	ours, theirs := strings.Join(r.weir.lines, "\n"), strings.Join(r.nginx.lines, "\n")
	return ours != theirs && escaped.ReplaceAllString(ours, "") == unprinted.ReplaceAllString(strings.ToValidUTF8(theirs, ""), "")
}
