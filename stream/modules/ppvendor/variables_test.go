package ppvendor_test

import (
	"encoding/binary"
	"slices"
	"testing"

	"weir/internal/proxyproto"
	"weir/stream"
	"weir/stream/modules/ppvendor"
	"weir/stream/offline"
)

// header returns a PROXY header with those TLVs.
func header(t *testing.T, tlvs string) *proxyproto.Header {
	t.Helper()
	b := []byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11")
	b = binary.BigEndian.AppendUint16(b, uint16(12+len(tlvs)))
	b = append(append(b, "\xc0\x00\x02\x01\xc0\x00\x02\x02\x03\xe8\x07\x5b"...), tlvs...)
	h, _, err := proxyproto.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestVariables(t *testing.T) {
	tests := []struct {
		name, variable, tlvs string
		want                 string // "-" means not found
		log                  []string
	}{
		{"AWS", "aws_vpce_id", "\xea\x00\x17\x01vpce-08d2bf15fac5001c9", "vpce-08d2bf15fac5001c9", nil},
		{"AWS behind others", "aws_vpce_id", "\x03\x00\x01x\xea\x00\x02\x01v", "v", nil},
		{"AWS of no text", "aws_vpce_id", "\xea\x00\x01\x01", "", nil},
		{"AWS, another subtype", "aws_vpce_id", "\xea\x00\x02\x02v", "-", nil},
		{"AWS, nothing", "aws_vpce_id", "\xea\x00\x00", "-", nil},
		{"Azure", "azure_pel_id", "\xee\x00\x05\x01\x31\x09\x00\x20", "536873265", nil},
		{"Azure, the largest", "azure_pel_id", "\xee\x00\x05\x01\xff\xff\xff\xff", "4294967295", nil},
		{"Azure, another subtype", "azure_pel_id", "\xee\x00\x05\x02\x31\x09\x00\x20", "-", nil},
		{"Azure, too short", "azure_pel_id", "\xee\x00\x04\x01\x31\x09\x00", "-", nil},
		{"Azure, too long", "azure_pel_id", "\xee\x00\x06\x01\x31\x09\x00\x20\x00", "-", nil},
		{"Google", "gcp_conn_id", "\xe0\x00\x08\x00\x10\xfb\xbb\x00\x00\x00\x01", "4780380204826625", nil},
		{"Google, the largest", "gcp_conn_id", "\xe0\x00\x08\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615", nil},
		{"Google, too short", "gcp_conn_id", "\xe0\x00\x07\x00\x10\xfb\xbb\x00\x00\x00", "-", nil},
		{"another platform", "gcp_conn_id", "\xea\x00\x02\x01v", "-", nil},
		{
			"broken", "gcp_conn_id", "\xea\x00\x02\x01", "-",
			[]string{"[error] *1 broken PROXY protocol TLV, client: 192.0.2.1, server: 192.0.2.100:1883"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSession(t)
			s.ProxyHeader = header(t, tt.tlvs)
			if got := text(s, tt.variable); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if got := s.Lines.All(); !slices.Equal(got, tt.log) {
				t.Errorf("got log %q, want %q", got, tt.log)
			}
		})
	}
}

func TestWithoutHeader(t *testing.T) {
	for _, name := range []string{"aws_vpce_id", "azure_pel_id", "gcp_conn_id"} {
		if got := text(newSession(t), name); got != "-" {
			t.Errorf("got %q for %s, want it not found", got, name)
		}
	}
}

func newSession(t *testing.T) *offline.Session {
	t.Helper()
	config := stream.NewConfig()
	for _, v := range ppvendor.Variables() {
		if err := config.Vars.Define(v); err != nil {
			t.Fatal(err)
		}
		config.Vars.Index(v.Name)
	}
	config.Vars.Resolve()
	return offline.NewSession(t, &stream.Listen{Config: config, Default: &stream.Server{}})
}

// text returns the value of $proxy_protocol_tlv_NAME as logged.
func text(s *offline.Session, name string) string {
	got, ok := s.Value(s.Listen.Config.Vars.Index("proxy_protocol_tlv_" + name))
	if !ok {
		return "-"
	}
	return got
}
