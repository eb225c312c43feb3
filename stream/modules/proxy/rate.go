package proxy

import (
	"weir/internal/errorlog"
	"weir/stream"
)

// A Rate is proxy_upload_rate or proxy_download_rate: bytes per second, fixed or from variables.
type Rate struct {
	Fixed    int64            // used if Variable is nil; 0 disables the limit
	Variable *stream.Template // evaluated once, after the upstream connection is established
	Parse    func(text string) (size int64, ok bool)
}

func (r Rate) fixed() bool { return r.Variable == nil }

// eval returns the rate of one session. As in ngx_stream_complex_value_size, an invalid size is
// logged and means no limit.
func (r Rate) eval(s *stream.Session) int64 {
	if r.Variable == nil {
		return r.Fixed
	}
	text := r.Variable.Eval(s)
	if text == "" {
		return 0
	}
	n, ok := r.Parse(text)
	if !ok {
		s.Log(stream.LevelError, "invalid size \""+errorlog.Quote(text)+"\"", nil)
		return 0
	}
	return n
}
