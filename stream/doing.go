package stream

// LogAction is what a session is about, as the log says: " while connecting to upstream". The zero Doing is nothing that the log mentions.
type LogAction uint8

// What sessions do; nginx's actions.
const (
	Initializing LogAction = iota + 1
	ReadingProxyProtocol
	Prereading
	Connecting
	Proxying
	ReadingFromClient
	ReadingFromUpstream
	SendingToClient
	SendingToUpstream
	ReturningText
	PassingConnection
)

var doings = [...]string{
	"", "initializing session", "reading PROXY protocol", "prereading client data", "connecting to upstream", "proxying connection",
	"proxying and reading from client", "proxying and reading from upstream", "proxying and sending to client",
	"proxying and sending to upstream", "returning text", "passing connection to port",
}

// String is nginx's word for it.
func (d LogAction) String() string { return doings[d] }
