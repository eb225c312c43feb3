package dns

import (
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// TestFailureWithAddresses checks that records sent with a failure are ignored.
func TestFailureWithAddresses(t *testing.T) {
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, Response: true, RCode: dnsmessage.RCodeServerFailure},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("b.example."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
		Answers: []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName("b.example."), Class: dnsmessage.ClassINET, TTL: 60},
			Body:   &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}},
		}},
	}
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	got, err := question{7, "b.example", dnsmessage.TypeA}.parse(raw)
	if err != nil || got.Code != 2 || got.Addrs != nil {
		t.Errorf("got %+v, %v, want a server failure and nothing else", got, err)
	}
}

// TestFailureWithoutQuestion checks that a failure that does not repeat the question is an answer:
// servers that do not understand a question send such replies.
func TestFailureWithoutQuestion(t *testing.T) {
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 7, Response: true, RCode: dnsmessage.RCodeFormatError}}
	raw, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := (question{7, "b.example", A}).parse(raw); err != nil || !got.failed() {
		t.Errorf("got %+v, %v, want a failure", got, err)
	}
	if _, err := (question{8, "b.example", A}).parse(raw); err == nil {
		t.Error("an answer with another number is taken")
	}
}
