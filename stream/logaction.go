package stream

// LogAction names the current activity in log messages, such as " while connecting to upstream".
// The zero LogAction adds nothing to the message.
type LogAction uint8

// The log actions, as in nginx.
const (
	Initializing LogAction = iota + 1
	ReadingProxyProtocol
	Handshaking
	Prereading
	Connecting
	HandshakingUpstream
	Proxying
	ReadingFromClient
	ReadingFromUpstream
	SendingToClient
	SendingToUpstream
	ReturningText
	PassingConnection
)

var logActions = [...]string{
	"", "initializing session", "reading PROXY protocol", "SSL handshaking", "prereading client data", "connecting to upstream",
	"SSL handshaking to upstream", "proxying connection",
	"proxying and reading from client", "proxying and reading from upstream", "proxying and sending to client",
	"proxying and sending to upstream", "returning text", "passing connection to port",
}

// String returns nginx's text for the action.
func (d LogAction) String() string { return logActions[d] }
