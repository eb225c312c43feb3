package main

import (
	"regexp"
	"strings"
)

// A rule explains why the verdicts of a trial differ.
type rule struct {
	class  class
	reason string
	holds  func(r *result) bool
}

// rules are tried in turn.
var rules = []rule{
	{newer, "a directive that this nginx does not have",
		nginxFinds(`^\[emerg\] unknown directive "(least_time|server_name|pass|mqtt_preread|num_map)"`)},
	{newer, "`resolver` in `upstream`, since 1.27.3", nginxStops(`^\[emerg\] "resolver(_timeout)?" directive is not allowed here`)},
	{newer, "`ipv4=` and `status_zone=` of `resolver`, since 1.23.1", nginxStops(`^\[emerg\] host not found in resolver "(ipv4|status_zone)=`)},
	{newer, "a server that has nothing to do, accepted since 1.25.5", nginxStops(`^\[emerg\] no handler for server `)},
	{newer, "one address in several servers, since 1.25.5", nginxStops(`^\[emerg\] duplicate ".*" address and port pair `)},
	{newer, "a `listen` without a port, accepted since 1.25.5", nginxStops(`^\[emerg\] no port in ".*" of the "listen" directive`)},
	{newer, "`listen … deferred`, since 1.25.5", nginxStops(`^\[emerg\] the invalid "deferred" parameter`)},
	{newer, "`volatile` in `geo`, since 1.29.3", all(nginxStops(`^\[emerg\] invalid number of the geo parameters`),
		conf(`(?m)^volatile;$`))},
	{newer, "`js_set … nocache`", nginxStops(`^\[emerg\] invalid number of arguments in "js_set"`)},
	{newer, "`$proxy_protocol_tlv_NAME`, since 1.23.2", nginxStops(`^\[emerg\] unknown "proxy_protocol_tlv_.*" variable$`)},
	{newer, "`invalid parameter \"X\"` of `listen`, which was `the invalid \"X\" parameter` before 1.25.5",
		rewritten(`the invalid "(.*)" parameter`, `invalid parameter "$1"`)},
	{newer, "`proxy_protocol v2`, and what else is an invalid value",
		rewritten(`(invalid value ".*") in "proxy_protocol" directive, it must be "on" or "off"`, `$1`)},
	{purpose, "no name server at a unix socket", weirFinds(`^\[emerg\] weir asks no name server at a unix socket`)},
	{purpose, "a zero byte is a byte like any other", conf(`\x00`)},
	{purpose, "the word of a syslog server is shown as it stands", nginxSays(`\x00`)},
	{purpose, "`load_module` opens no file", nginxFinds(`^\[emerg\] dlopen\(\) `)},
	{purpose, "there are no hash tables with buckets", nginxSays(`(?m)^\[(warn|emerg)\] could not build (optimal )?(variables|map)_hash`)},
	{purpose, "there is no log in memory", conf(`error_log memory:`)},
	{purpose, "zones reserve no memory", nginxSays(`\[alert\] mmap\(MAP_ANON`)},
	{purpose, "buffers are made when they are used", nginxFinds(`^\[emerg\] (malloc|posix_memalign)\(`)},
	{purpose, "control characters are written as `\\x0A`", inPlainText},
	{purpose, "a line of one word in `split_clients` is refused", weirFinds(`^\[emerg\] invalid number of the split_clients parameters`)},
}

// all holds where each of two does.
func all(one, other func(*result) bool) func(*result) bool {
	return func(r *result) bool { return one(r) && other(r) }
}

// conf holds where the configuration is as the expression says.
func conf(expression string) func(*result) bool {
	re := regexp.MustCompile(expression)
	return func(r *result) bool { return re.MatchString(r.conf) }
}

// nginxSays holds where a line of nginx, of any severity, is as the expression says.
func nginxSays(expression string) func(*result) bool {
	re := regexp.MustCompile(expression)
	return func(r *result) bool { return re.MatchString(r.nginx.String()) }
}

// nginxStops holds where nginx's first error is as the expression says, and weir has found none before that line.
func nginxStops(expression string) func(*result) bool {
	finds := nginxFinds(expression)
	return func(r *result) bool { return finds(r) && lineOf(r.weir.firstError()) >= lineOf(r.nginx.firstError()) }
}

// nginxFinds holds where nginx's first error is as the expression says.
func nginxFinds(expression string) func(*result) bool {
	re := regexp.MustCompile(expression)
	return func(r *result) bool { return re.MatchString(r.nginx.firstError()) }
}

func weirFinds(expression string) func(*result) bool {
	re := regexp.MustCompile(expression)
	return func(r *result) bool { return re.MatchString(r.weir.firstError()) }
}

// rewritten holds where the verdicts are the same once nginx's sentence is that of later versions.
func rewritten(expression, as string) func(*result) bool {
	re := regexp.MustCompile(expression)
	return func(r *result) bool {
		return r.weir.code == r.nginx.code && strings.Join(r.weir.lines, "\n") == re.ReplaceAllString(strings.Join(r.nginx.lines, "\n"), as)
	}
}

var control = regexp.MustCompile(`[\x00-\x1f\x7f]`)

// inPlainText holds where the verdicts are the same but for control characters: nginx ends some words at a zero byte.
func inPlainText(r *result) bool {
	weir, nginx := strings.Join(r.weir.lines, "\n"), strings.Join(r.nginx.lines, "\n")
	return weir != nginx && escapedControl.ReplaceAllString(weir, "") == control.ReplaceAllString(nginx, "")
}

var escapedControl = regexp.MustCompile(`\\x[01][0-9A-F]|\\x7F|[\x00-\x1f\x7f]`)
