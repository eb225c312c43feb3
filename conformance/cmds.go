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
		"accept":     {"FILE [WARNING …]  -t takes the file, with just these warnings", 1, (*run).accept},
		"refuse":     {"FILE[:LINE] MESSAGE  -t refuses the file with this message and place", 2, (*run).refuse},
		"refuselate": {"FILE MESSAGE  -t finds the syntax right and then refuses the file", 2, (*run).refuseLate},
		"reload":     {"FILE  becomes nginx.conf, HUP, wait until the old generation retires", 1, (*run).reload},
		"daemon":     {"the program goes to the background; it is ended with the script", 0, (*run).daemon},
		"procfile":   {"FILE REGEXP  /proc has such a file, or link, of one of the program's threads", 2, (*run).procFile},
		"signal":     {"NAME  send the signal to the running program", 1, (*run).signal},
		"exited":     {"CODE  the running program ends by itself", 1, (*run).exited},
	})

	// See cmds_client.go.
	define("Clients", map[string]command{
		"dial":       {"NAME [HOST]:PORT|unix:PATH [from=IP]  connect a client", 2, (*run).dial},
		"crowd":      {"NAME [HOST]:PORT N  dial NAME1 to NAMEN, each of which gets back what it sends", 3, (*run).crowd},
		"connect":    {"NAME [HOST]:PORT id=ID [user=U] [pass=P] [level=N] [from=IP] [bytewise=1]  dial, MQTT CONNECT, await CONNACK", 3, (*run).mqttConnect},
		"send":       {"NAME DATA  send these bytes", 2, (*run).send},
		"sendn":      {"NAME N  send N bytes", 2, (*run).sendN},
		"expect":     {"NAME DATA  these bytes come next", 2, (*run).expect},
		"expectn":    {"NAME N  N bytes come next", 2, (*run).expectN},
		"ping":       {"NAME TEXT  send it and expect it back", 2, (*run).ping},
		"eof":        {"NAME  the connection ends in order, with nothing more sent", 1, (*run).eof},
		"reset":      {"NAME  the connection ends with a TCP reset", 1, (*run).reset},
		"closed":     {"NAME  the connection ends, one way or the other", 1, (*run).closed},
		"close":      {"NAME …  close the connections", 1, (*run).closeClients},
		"abort":      {"NAME  close with a TCP reset", 1, (*run).abort},
		"trickle":    {"NAME N INTERVAL  send N bytes one after the other and expect each back", 3, (*run).trickle},
		"closewrite": {"NAME  send EOF and continue to read", 1, (*run).closeWrite},
		"listeners":  {"[HOST]:PORT N  the program has N listening sockets with just this address, of which * is 0.0.0.0", 2, (*run).listeners},
		"sockopt":    {"[HOST]:PORT|CLIENT|PEER OPTION VALUE|!VALUE …  of the listening socket, or of the program's end of a connection", 3, (*run).socketOption},
		"refuses":    {"[HOST]:PORT  connections are refused there", 1, (*run).refuses},
		"who":        {"[HOST]:PORT NAME …  one connection after the other reaches these peers in this order", 2, (*run).who},
	})

	// See cmds_peer.go.
	define("Peers", map[string]command{
		"heard":     {"PEER DATA  it received exactly these bytes on its newest connection", 2, (*run).heard},
		"heardhex":  {"PEER REGEXP  the hexadecimal digits of what it received on its newest connection match", 2, (*run).heardHex},
		"accepted":  {"PEER N  it has accepted N connections by now", 2, (*run).accepted},
		"from":      {"PEER IP  its newest connection comes from there", 2, (*run).from},
		"ended":     {"PEER  its newest connection ended with EOF or a reset", 1, (*run).ended},
		"peersend":  {"PEER DATA  send these bytes on its newest connection", 2, (*run).peerSend},
		"peersendn": {"PEER N  send N bytes on its newest connection", 2, (*run).peerSendN},
		"peerclose": {"PEER [write|reset]  close its newest connection", 1, (*run).peerClose},
		"down":      {"PEER …  refuse connects from now on", 1, (*run).down},
		"up":        {"PEER …  take connects again", 1, (*run).up},
		"seen":      {"ID BROKER …  the brokers that the client met, oldest first", 2, (*run).seen},
		"seenlast":  {"ID BROKER  the broker that the client met last", 2, (*run).seenLast},
		"proxyline": {"ID LINE  the PROXY line in front of the client's newest CONNECT", 2, (*run).proxyLine},
	})

	// See cmds_dns.go.
	define("Name servers", map[string]command{
		"dns":        {"SERVER NAME TYPE TTL VALUE …  set the records of that type", 4, (*run).dnsSet},
		"dnsremove":  {"SERVER NAME  the name no longer exists", 2, (*run).dnsRemove},
		"dnsfail":    {"SERVER NAME CODE  questions for it fail with this response code; 0 ends that", 3, (*run).dnsFail},
		"dnsmode":    {"SERVER silent|truncating|forging|plain  how it answers from now on", 2, (*run).dnsMode},
		"dnsasked":   {"SERVER NAME TYPE N  it has been asked N times", 4, (*run).dnsAsked},
		"dnsovertcp": {"SERVER yes|no  it has been asked over TCP", 2, (*run).dnsOverTCP},
	})

	// See cmds_udp.go.
	define("Datagrams", map[string]command{
		"dialudp":    {"NAME [HOST]:PORT [from=IP]  open a socket for datagrams; send and close work on it", 2, (*run).dialUDP},
		"receive":    {"NAME DATA …  these datagrams come next, each whole", 2, (*run).receive},
		"receiven":   {"NAME N  a datagram of N bytes comes next", 2, (*run).receiveN},
		"quiet":      {"NAME  no datagram comes for a while", 1, (*run).quiet},
		"whoudp":     {"[HOST]:PORT [from=IP] NAME …  one new client after the other is answered by the named peers in this order", 2, (*run).whoUDP},
		"refusesudp": {"[HOST]:PORT  a datagram is refused there", 1, (*run).refusesUDP},
		"got":        {"PEER DATA …  it has got exactly these datagrams", 1, (*run).got},
		"gotre":      {"PEER REGEXP …  it has got datagrams that match these from end to end", 1, (*run).gotRegexps},
		"gotfrom":    {"PEER LETTER …  who sent them: a the first sender, b the second …", 1, (*run).gotFrom},
		"gotat":      {"PEER IP  its newest datagram comes from there", 2, (*run).gotAt},
		"say":        {"PEER N DATA …  send datagrams to where its N-th one came from", 3, (*run).say},
		"downudp":    {"PEER …  refuse datagrams from now on", 1, (*run).downUDP},
		"upudp":      {"PEER …  take them again", 1, (*run).upUDP},
	})

	// See cmds_file.go.
	define("Files and logs", map[string]command{
		"log":       {"FILE LINE …  becomes exactly this", 1, (*run).log},
		"logre":     {"FILE REGEXP …  becomes lines that match these from end to end", 1, (*run).logRegexps},
		"gziplog":   {"FILE LINE …  becomes exactly this once unpacked", 1, (*run).gzipLog},
		"waitlog":   {"FILE REGEXP  a match appears", 2, (*run).waitLog},
		"haslog":    {"FILE REGEXP  a match is there now", 2, (*run).hasLog},
		"nolog":     {"FILE REGEXP  no match is there", 2, (*run).noLog},
		"grepcount": {"FILE REGEXP N  the number of matching lines becomes N", 3, (*run).grepCount},
		"exists":    {"FILE …  appears", 1, (*run).exists},
		"missing":   {"FILE …  goes away, or is not there", 1, (*run).missing},
		"move":      {"FILE FILE  rename", 2, (*run).move},
		"write":     {"FILE TEXT  replace the contents of the file", 2, (*run).write},
		"copy":      {"PATH FILE  in one step, as a newer file", 2, (*run).copy},
	})

	define("Waiting and time", map[string]command{
		"eventually": {"COMMAND … [; COMMAND …]  repeat until all succeed", 1, (*run).eventually},
		"within":     {"MIN MAX COMMAND … [; COMMAND …]  all succeed, together in a time between the two", 3, (*run).within},
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

// differ reports lines that are not the expected ones.
func differ(got, want []string) error {
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
