package dns

import (
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// FuzzReply checks that any bytes either parse as an answer that contains only the requested kind,
// addresses or services, or are rejected.
func FuzzReply(f *testing.F) {
	name, alias := dnsmessage.MustNewName("b.example."), dnsmessage.MustNewName("c.example.")
	head := func(owner dnsmessage.Name, kind dnsmessage.Type) dnsmessage.ResourceHeader {
		return dnsmessage.ResourceHeader{Name: owner, Type: kind, Class: dnsmessage.ClassINET, TTL: 60}
	}
	for _, answers := range [][]dnsmessage.Resource{
		nil,
		{{Header: head(name, dnsmessage.TypeA), Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}},
		{{Header: head(name, dnsmessage.TypeAAAA), Body: &dnsmessage.AAAAResource{AAAA: [16]byte{15: 1}}}},
		{{Header: head(name, dnsmessage.TypeSRV), Body: &dnsmessage.SRVResource{Port: 1883, Weight: 1, Target: alias}}},
		{
			{Header: head(alias, dnsmessage.TypeA), Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}},
			{Header: head(name, dnsmessage.TypeCNAME), Body: &dnsmessage.CNAMEResource{CNAME: alias}},
		},
		{
			{Header: head(alias, dnsmessage.TypeCNAME), Body: &dnsmessage.CNAMEResource{CNAME: name}},
			{Header: head(name, dnsmessage.TypeCNAME), Body: &dnsmessage.CNAMEResource{CNAME: alias}},
		},
	} {
		for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypeSRV} {
			m := dnsmessage.Message{
				Header:    dnsmessage.Header{ID: 7, Response: true},
				Questions: []dnsmessage.Question{{Name: name, Type: kind, Class: dnsmessage.ClassINET}}, Answers: answers,
			}
			raw, err := m.Pack()
			if err != nil {
				f.Fatal(err)
			}
			f.Add(raw)
			f.Add(raw[:len(raw)-1])
		}
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypeSRV} {
			got, err := question{7, "b.example", kind}.parse(message)
			if err != nil {
				continue
			}
			for _, ip := range got.Addrs {
				if ip.Is4() != (kind == dnsmessage.TypeA) {
					t.Errorf("%v for %v", ip, kind)
				}
			}
			if got.Services != nil && kind != dnsmessage.TypeSRV || got.Alias != "" && got.Addrs != nil {
				t.Errorf("%+v for %v", got, kind)
			}
		}
	})
}
