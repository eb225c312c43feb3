package conformance

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// A command is one kind of script line.
type command struct {
	usage string // its arguments, two spaces, and a description
	min   int    // how many arguments must be there
	run   func(r *run, args []string) error
}

// A group is a section of the commands, as README.md lists them.
type group struct {
	title    string
	commands map[string]command
}

// groups and commands are filled by init, because eventually and within call other commands.
var (
	groups   []group
	commands = map[string]command{}
)

// define adds a group of commands.
func define(title string, of map[string]command) {
	groups = append(groups, group{title, of})
	maps.Copy(commands, of)
}

func init() {
	// See cmds_process.go.
	define("The program", map[string]command{
		"start":      {"[FILE]  serve with FILE, or nginx.conf", 0, (*run).start},
		"run":        {"ARG …  run the program with the script's prefix and nginx.conf, to its end", 0, (*run).runArgs},
		"bare":       {"ARG …  run the program with these arguments only", 0, (*run).bareArgs},
		"exit":       {"CODE  the last run ended with this exit code", 1, (*run).exit},
		"stdout":     {"LINE …  the last run printed exactly this", 0, (*run).stdout},
		"stderr":     {"LINE …  the last run printed exactly this", 0, (*run).stderr},
		"printed":    {"stdout|stderr REGEXP  the last run printed a match", 2, (*run).printed},
		"accept":     {"FILE [WARNING …]  -t accepts the file, with exactly these warnings", 1, (*run).accept},
		"refuse":     {"FILE[:LINE] MESSAGE  -t rejects the file with this message and line", 2, (*run).refuse},
		"refuselate": {"FILE MESSAGE  -t accepts the syntax and then rejects the file", 2, (*run).refuseLate},
		"reload":     {"FILE  copy FILE to nginx.conf, send HUP, wait until the old configuration retires", 1, (*run).reload},
		"daemon":     {"the program runs in the background; it is stopped at the end of the script", 0, (*run).daemon},
		"procfile":   {"FILE REGEXP  a file or link in /proc of one of the program's threads matches", 2, (*run).procFile},
		"signal":     {"NAME  send the signal to the running program", 1, (*run).signal},
		"exited":     {"CODE  the running program exits with this code", 1, (*run).exited},
	})

	// See cmds_client.go.
	define("Clients", map[string]command{
		"dial":  {"NAME [HOST]:PORT|unix:PATH [from=IP]  connect a client", 2, (*run).dial},
		"crowd": {"NAME [HOST]:PORT N  dial NAME1 to NAMEN, and check that each is echoed", 3, (*run).crowd},
		"connect": {"NAME [HOST]:PORT id=ID [user=U] [pass=P] [level=N] [from=IP] [bytewise=1]  " +
			"dial, send CONNECT, wait for CONNACK", 3, (*run).mqttConnect},
		"send":       {"NAME DATA [bytewise=1]  send these bytes", 2, (*run).send},
		"sendn":      {"NAME N  send N bytes", 2, (*run).sendN},
		"expect":     {"NAME DATA  receive exactly these bytes next", 2, (*run).expect},
		"expectn":    {"NAME N  receive N bytes next", 2, (*run).expectN},
		"ping":       {"NAME TEXT  send the text and expect it to be echoed", 2, (*run).ping},
		"eof":        {"NAME  the connection ends with EOF, without further data", 1, (*run).eof},
		"reset":      {"NAME  the connection ends with a TCP reset", 1, (*run).reset},
		"closed":     {"NAME  the connection ends, with EOF or a reset", 1, (*run).closed},
		"close":      {"NAME …  close the connections", 1, (*run).closeClients},
		"abort":      {"NAME  close with a TCP reset", 1, (*run).abort},
		"trickle":    {"NAME N INTERVAL  send N bytes one by one and expect each to be echoed", 3, (*run).trickle},
		"closewrite": {"NAME  send EOF and continue to read", 1, (*run).closeWrite},
		"listeners":  {"[HOST]:PORT N  the program has N listening sockets with exactly this address; * is 0.0.0.0", 2, (*run).listeners},
		"sockopt": {"[HOST]:PORT|CLIENT|PEER OPTION VALUE|!VALUE …  " +
			"check options of the listening socket, or of the program's side of a connection", 3, (*run).socketOption},
		"refuses": {"[HOST]:PORT  connections to the address are refused", 1, (*run).refuses},
		"who":     {"[HOST]:PORT NAME …  sequential connections reach these peers in this order", 2, (*run).who},
	})

	// See cmds_tls.go and certificates.go.
	define("TLS", map[string]command{
		"certificate": {"NAME [by=NAME] [key=ecdsa|rsa|ed25519] [names=HOST,…] [ca=1] [expired=1] [ocsp=URL] [signs=ocsp]  " +
			"write NAME.crt and NAME.key, signed by another certificate or by itself; " +
			"it may name a responder, or sign OCSP responses", 1, (*run).certificate},
		"revoke": {"FILE NAME NAME …  write the list of the certificates that the first one has revoked", 2, (*run).revoke},
		"join":   {"FILE FILE …  write the first file with the contents of the others", 2, (*run).join},
		"tls": {"NAME [HOST]:PORT [name=HOST] [alpn=P,…] [version=1.2] [cert=NAME] [ciphers=NAME,…] " +
			"[curves=N,…] [session=NAME] [before=DATA] [from=IP]  " +
			"connect a TLS client, which resumes the session of that name", 2, (*run).dialTLS},
		"tlsrefused": {"[HOST]:PORT ALERT …  the server refuses a TLS client with this alert; options as above", 2, (*run).refusedTLS},
		"presents":   {"CLIENT NAME …  the server has presented exactly these certificates", 2, (*run).presents},
		"requests":   {"CLIENT [NAME …]  the server has requested a certificate, and has named exactly these authorities", 1, (*run).requests},
		"resumed":    {"CLIENT yes|no  the handshake has resumed a session", 2, (*run).resumed},
		"stapled":    {"CLIENT DATA  the server has sent exactly this OCSP response", 2, (*run).stapled},
		"expectfile": {"CLIENT FILE  receive exactly the contents of the file next", 2, (*run).expectFile},
	})

	// See cmds_ocsp.go.
	define("OCSP", map[string]command{
		"responds": {"RESPONDER by=NAME [signer=NAME] [embed=no] [status=good|revoked|unknown] [serial=N] [from=DURATION] [until=DURATION|never] " +
			"[as=busy|html|error|garbage|huge|silent|closing|raw|held]  what it responds from now on: " +
			"the status of all certificates of an authority, or nothing useful; held requests get the next kind of response", 2, (*run).responds},
		"requested": {"RESPONDER N  wait until it has received N requests", 2, (*run).requested},
		"staple":    {"CLIENT good|revoked|unknown|none  the server has sent an OCSP response with this status", 2, (*run).staple},
	})

	// See cmds_http.go.
	define("HTTP", map[string]command{
		"http": {"[HOST]:PORT|unix:PATH METHOD TARGET STATUS [host=NAME] [user=NAME:PASSWORD] [header=LINE] [body=DATA] " +
			"[has='NAME: VALUE'] [lacks=NAME] [text=DATA] [match=REGEXP] [tls=NAME] [cert=NAME] [from=IP]  " +
			"send a request on a connection of its own; the response has this status, this header and this body", 4, (*run).http},
	})

	// See cmds_tlspeer.go.
	define("TLS of peers", map[string]command{
		"tlsserver": {"PEER cert=NAME [clientca=NAME] [request=1] [version=1.2] [alpn=P,…] [ciphers=NAME,…] " +
			"[tickets=off] [preamble=1]  how it performs handshakes from now on: " +
			"it requests a client certificate, or demands one of an authority; with preamble a line in clear comes first", 2, (*run).tlsServer},
		"handshaken": {"PEER [name=HOST] [alpn=P] [version=1.3] [cert=NAME] [resumed=yes|no] [cipher=NAME] [preamble=LINE]  " +
			"its latest handshake has these results; an empty value means none", 2, (*run).handshaken},
	})

	// See cmds_peer.go.
	define("Peers", map[string]command{
		"heard":     {"PEER DATA  it has received exactly these bytes on its latest connection", 2, (*run).heard},
		"heardhex":  {"PEER REGEXP  the bytes that it has received on its latest connection match, in hexadecimal", 2, (*run).heardHex},
		"accepted":  {"PEER N  it has accepted N connections", 2, (*run).accepted},
		"from":      {"PEER IP  its latest connection has this source address", 2, (*run).from},
		"ended":     {"PEER  its latest connection has ended with EOF or a reset", 1, (*run).ended},
		"peersend":  {"PEER DATA  send these bytes on its latest connection", 2, (*run).peerSend},
		"peersendn": {"PEER N  send N bytes on its latest connection", 2, (*run).peerSendN},
		"peerclose": {"PEER [write|reset]  close its latest connection", 1, (*run).peerClose},
		"down":      {"PEER …  refuse connections from now on", 1, (*run).down},
		"up":        {"PEER …  accept connections again", 1, (*run).up},
		"seen":      {"ID BROKER …  the brokers that the client has used, oldest first", 2, (*run).seen},
		"seenlast":  {"ID BROKER  the broker that the client has used last", 2, (*run).seenLast},
		"proxyline": {"ID LINE  the PROXY line before the client's latest CONNECT", 2, (*run).proxyLine},
	})

	// See cmds_dns.go.
	define("Name servers", map[string]command{
		"dns":        {"SERVER NAME TYPE TTL VALUE …  set the records of that type", 4, (*run).dnsSet},
		"dnsremove":  {"SERVER NAME  the name no longer exists", 2, (*run).dnsRemove},
		"dnsfail":    {"SERVER NAME CODE  queries for the name fail with this response code; 0 restores normal responses", 3, (*run).dnsFail},
		"dnsmode":    {"SERVER silent|truncating|forging|plain  how it responds from now on", 2, (*run).dnsMode},
		"dnsasked":   {"SERVER NAME TYPE N  it has received N queries", 4, (*run).dnsAsked},
		"dnsovertcp": {"SERVER yes|no  it has received a query over TCP", 2, (*run).dnsOverTCP},
	})

	// See cmds_udp.go.
	define("Datagrams", map[string]command{
		"dialudp":    {"NAME [HOST]:PORT [from=IP]  open a UDP socket; send and close also accept it", 2, (*run).dialUDP},
		"receive":    {"NAME DATA …  receive exactly these datagrams next", 2, (*run).receive},
		"receiven":   {"NAME N  receive a datagram of N bytes next", 2, (*run).receiveN},
		"quiet":      {"NAME  no datagram arrives within a short time", 1, (*run).quiet},
		"whoudp":     {"[HOST]:PORT [from=IP] NAME …  sequential new clients get responses from these peers in this order", 2, (*run).whoUDP},
		"refusesudp": {"[HOST]:PORT  a datagram to the address is refused", 1, (*run).refusesUDP},
		"got":        {"PEER DATA …  it has received exactly these datagrams", 1, (*run).got},
		"gotre":      {"PEER REGEXP …  it has received datagrams that fully match these", 1, (*run).gotRegexps},
		"gotfrom":    {"PEER LETTER …  the senders of its datagrams: a is the first sender, b the second …", 1, (*run).gotFrom},
		"gotat":      {"PEER IP  its latest datagram has this source address", 2, (*run).gotAt},
		"say":        {"PEER N DATA …  send datagrams to the sender of its N-th datagram", 3, (*run).say},
		"downudp":    {"PEER …  refuse datagrams from now on", 1, (*run).downUDP},
		"upudp":      {"PEER …  accept datagrams again", 1, (*run).upUDP},
	})

	// See cmds_file.go.
	define("Files and logs", map[string]command{
		"log":       {"FILE LINE …  wait until the file has exactly these lines", 1, (*run).log},
		"logre":     {"FILE REGEXP …  wait until the lines of the file fully match these", 1, (*run).logRegexps},
		"gziplog":   {"FILE LINE …  wait until the uncompressed file has exactly these lines", 1, (*run).gzipLog},
		"waitlog":   {"FILE REGEXP  wait until a line matches", 2, (*run).waitLog},
		"haslog":    {"FILE REGEXP  a line matches now", 2, (*run).hasLog},
		"nolog":     {"FILE REGEXP  no line matches", 2, (*run).noLog},
		"grepcount": {"FILE REGEXP N  wait until N lines match", 3, (*run).grepCount},
		"exists":    {"FILE …  wait until the files exist", 1, (*run).exists},
		"missing":   {"FILE …  wait until the files do not exist", 1, (*run).missing},
		"move":      {"FILE FILE  rename the file", 2, (*run).move},
		"write":     {"FILE TEXT  replace the contents of the file", 2, (*run).write},
		"copy":      {"PATH FILE  copy a file atomically, with a newer modification time", 2, (*run).copy},
	})

	define("Waiting and time", map[string]command{
		"eventually": {"COMMAND … [; COMMAND …]  repeat until all succeed", 1, (*run).eventually},
		"within":     {"MIN MAX COMMAND … [; COMMAND …]  all succeed, and take between MIN and MAX", 3, (*run).within},
	})
}

func (r *run) eventually(args []string) error {
	return poll(func() error { return r.sequence(args) })
}

// sequence runs the commands that the word ";" separates, up to the first failure.
func (r *run) sequence(words []string) error {
	n := slices.Index(words, ";")
	if n < 0 {
		return r.call(words)
	}
	if err := r.call(words[:n]); err != nil {
		return err
	}
	return r.sequence(words[n+1:])
}

func (r *run) within(args []string) error {
	least, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	most, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := r.sequence(args[2:]); err != nil {
		return err
	}
	if took := time.Since(begin); took < least || took > most {
		return fmt.Errorf("took %v, want %v to %v", took.Round(time.Millisecond), least, most)
	}
	return nil
}

// compareLines reports lines that are not the expected ones.
func compareLines(got, want []string) error {
	a, b := strings.Join(got, "\n"), strings.Join(want, "\n")
	if a == b {
		return nil
	}
	return fmt.Errorf("got\n%s\nwant\n%s", a, b)
}

// lines splits text that ends with a newline, or is empty.
func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

func (r *run) readLines(name string) ([]string, error) {
	b, err := os.ReadFile(r.path(name))
	return lines(string(b)), err
}
