package proxy

import (
	"weir/internal/errorlog"
	"weir/stream"
)

// A Rate is proxy_upload_rate or proxy_download_rate: bytes per second, fixed or from variables.
type Rate struct {
	Fixed    int64            // when Variable is nil; 0: no limit
	Variable *stream.Template // evaluated once, when the upstream connection is up
	Parse    func(text string) (size int64, ok bool)
}

func (r Rate) fixed() bool { return r.Variable == nil }

// eval is the rate of one session. As in ngx_stream_complex_value_size, what is no size is logged and means none.
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
