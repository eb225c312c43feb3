package stream

import (
	"strconv"
	"strings"
	"time"

	"weir/internal/proxyproto"
)

// NginxVersion is the version of nginx that weir emulates: $nginx_version, and the version that -v
// prints for tools.
const NginxVersion = "1.31.5"

// coreVariables are the variables of the stream core.
//
// See https://nginx.org/en/docs/stream/ngx_stream_core_module.html#variables.
func coreVariables() []Variable {
	return []Variable{
		{Name: "binary_remote_addr", Get: binaryRemoteAddr},
		{Name: "bytes_received", Get: fromAppend(appendBytesReceived), Append: appendBytesReceived},
		{Name: "bytes_sent", Get: fromAppend(appendBytesSent), Append: appendBytesSent},
		{Name: "connection", Get: func(s *Session) (string, bool) { return strconv.FormatUint(s.ID, 10), true }},
		{Name: "fleet_end", Get: fleetEnd, NoCache: true},
		{Name: "hostname", Fixed: true, Get: func(s *Session) (string, bool) { return s.Env.Hostname, true }},
		{Name: "msec", Get: fromAppend(appendMsec), Append: appendMsec, NoCache: true},
		{Name: "nginx_version", Fixed: true, Get: func(*Session) (string, bool) { return NginxVersion, true }},
		{Name: "pid", Get: func(s *Session) (string, bool) { return strconv.Itoa(s.Env.PID), true }},
		{Name: "protocol", Fixed: true, Get: protocol},
		{Name: "proxy_protocol_addr", Get: proxyText(func(h *proxyproto.Header) string { return h.Client })},
		{Name: "proxy_protocol_port", Get: proxyPort(func(h *proxyproto.Header) uint16 { return h.ClientPort })},
		{Name: "proxy_protocol_server_addr", Get: proxyText(func(h *proxyproto.Header) string { return h.Server })},
		{Name: "proxy_protocol_server_port", Get: proxyPort(func(h *proxyproto.Header) uint16 { return h.ServerPort })},
		{Name: "proxy_protocol_tlv_", Bind: proxyProtocolTLV},
		{Name: "remote_addr", Get: fromAppend(appendRemoteAddr), Append: appendRemoteAddr},
		{Name: "remote_port", Get: remotePort},
		{Name: "server_addr", Configured: true, Get: func(s *Session) (string, bool) { return s.Client.Local.Host(), true }},
		{Name: "server_name", Configured: true, Get: func(s *Session) (string, bool) { return s.Server.Settings.Name, true }},
		{Name: "server_port", Get: func(s *Session) (string, bool) { return s.Client.Local.Port(), true }},
		{Name: "session_time", Get: fromAppend(appendSessionTime), Append: appendSessionTime, NoCache: true},
		{Name: "status", Get: fromAppend(appendStatus), Append: appendStatus, NoCache: true},
		{Name: "time_iso8601", Get: fromAppend(appendISO8601), Append: appendISO8601, NoCache: true},
		{Name: "time_iso8601_ms", Get: fromAppend(appendISO8601ms), Append: appendISO8601ms, NoCache: true},
		{Name: "time_local", Get: fromAppend(appendTimeLocal), Append: appendTimeLocal, NoCache: true},
	}
}

// fromAppend makes the Get of a variable from its Append.
func fromAppend(appendTo func(*Session, []byte) ([]byte, bool)) func(*Session) (string, bool) {
	return func(s *Session) (string, bool) {
		var room [64]byte
		b, ok := appendTo(s, room[:0])
		return string(b), ok
	}
}

func binaryRemoteAddr(s *Session) (string, bool) {
	if s.Client.Addr.Unix {
		return s.Client.Addr.Host(), true
	}
	return string(s.Client.Addr.IP.Addr().AsSlice()), true
}

func appendRemoteAddr(s *Session, b []byte) ([]byte, bool) { return s.Client.Addr.AppendHost(b), true }

func protocol(s *Session) (string, bool) {
	if s.UDP() {
		return "UDP", true
	}
	return "TCP", true
}

func remotePort(s *Session) (string, bool) { return s.Client.Addr.Port(), true }

func appendBytesReceived(s *Session, b []byte) ([]byte, bool) {
	return strconv.AppendInt(b, s.Traffic.FromClient.Load(), 10), true
}

func appendBytesSent(s *Session, b []byte) ([]byte, bool) {
	return strconv.AppendInt(b, s.Traffic.ToClient.Load(), 10), true
}

func appendMsec(s *Session, b []byte) ([]byte, bool) {
	now := s.Env.Now()
	b = strconv.AppendInt(b, now.Unix(), 10)
	return appendMillis(b, now.Nanosecond()/int(time.Millisecond)), true
}

func appendSessionTime(s *Session, b []byte) ([]byte, bool) {
	return AppendSeconds(b, s.Elapsed()), true
}

// AppendSeconds appends d as nginx writes durations: seconds with three decimals. A negative d
// counts as 0.
func AppendSeconds(b []byte, d time.Duration) []byte {
	ms := max(d.Milliseconds(), 0)
	b = strconv.AppendInt(b, ms/1000, 10)
	return appendMillis(b, int(ms%1000))
}

func appendMillis(b []byte, ms int) []byte {
	return append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}

func appendStatus(s *Session, b []byte) ([]byte, bool) {
	st := int(s.Status)
	return append(b, byte('0'+st/100), byte('0'+st/10%10), byte('0'+st%10)), true
}

func appendISO8601(s *Session, b []byte) ([]byte, bool) {
	return append(b, secondOf(s.Env.Now()).iso8601...), true
}

func appendISO8601ms(s *Session, b []byte) ([]byte, bool) {
	return s.Env.Now().AppendFormat(b, "2006-01-02T15:04:05.000-07:00"), true
}

func appendTimeLocal(s *Session, b []byte) ([]byte, bool) {
	return append(b, secondOf(s.Env.Now()).local...), true
}

// proxyText returns a variable for a field of the PROXY header. Without a header the variable is
// not found.
func proxyText(field func(*proxyproto.Header) string) func(*Session) (string, bool) {
	return func(s *Session) (string, bool) {
		if s.ProxyHeader == nil {
			return "", false
		}
		return field(s.ProxyHeader), true
	}
}

// proxyPort is proxyText for a port, which is empty if it is 0.
func proxyPort(field func(*proxyproto.Header) uint16) func(*Session) (string, bool) {
	return proxyText(func(h *proxyproto.Header) string {
		port := field(h)
		if port == 0 {
			return ""
		}
		return strconv.Itoa(int(port))
	})
}

func proxyProtocolTLV(name string) func(*Session) (string, bool) {
	name = strings.ToLower(name)
	return func(s *Session) (string, bool) {
		if s.ProxyHeader == nil {
			return "", false
		}
		text, ok, err := s.ProxyHeader.TLV(name)
		if err != nil {
			s.Log(LevelError, err.Error(), nil)
		}
		return text, ok
	}
}
