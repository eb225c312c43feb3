package conformance

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// tlsOptions are the options of a TLS client.
var tlsOptions = []string{"name", "alpn", "version", "cert", "ciphers", "curves", "session", "before", "from"}

// A tlsClient is a TLS connection with what the server has requested in its handshake.
type tlsClient struct {
	*tls.Conn
	request *tls.CertificateRequestInfo // nil if no certificate was requested
}

// oneSession is a tls.ClientSessionCache of the newest session, for any server.
type oneSession struct{ session *tls.ClientSessionState }

func (s *oneSession) Get(string) (*tls.ClientSessionState, bool) {
	return s.session, s.session != nil
}

func (s *oneSession) Put(_ string, session *tls.ClientSessionState) {
	if session != nil {
		s.session = session
	}
}

func (r *run) dialTLS(args []string) error {
	c, err := r.handshake(args[1], args[2:])
	if err != nil {
		return err
	}
	if old, again := r.clients[args[0]]; again {
		old.Close()
	}
	r.clients[args[0]] = c
	r.cleanup(func() { c.Close() })
	return nil
}

// refusedTLS expects an alert during the handshake, or right after it as in TLS 1.3.
func (r *run) refusedTLS(args []string) error {
	c, err := r.handshake(args[0], args[2:])
	if err == nil {
		_, err = c.Read(make([]byte, 1))
		c.Close()
	}
	if want := "remote error: tls: " + args[1]; err == nil || err.Error() != want {
		return fmt.Errorf("got %v, want %s", err, want)
	}
	return nil
}

// handshake connects to a server. Its certificate is not verified: commands compare it.
func (r *run) handshake(addr string, words []string) (*tlsClient, error) {
	options, err := parseOptions(words, tlsOptions...)
	if err != nil {
		return nil, err
	}
	client := &tlsClient{}
	config, err := r.tlsConfig(options, client)
	if err != nil {
		return nil, err
	}
	plain, err := dialAddr(addr, options["from"])
	if err != nil {
		return nil, err
	}
	client.Conn = tls.Client(plain, config)
	err = errors.Join(plain.SetDeadline(time.Now().Add(patience)), write(plain, []byte(options["before"]), false))
	if err == nil {
		err = client.Handshake()
	}
	if err != nil {
		plain.Close()
		return nil, err
	}
	return client, nil
}

func (r *run) tlsConfig(options map[string]string, client *tlsClient) (*tls.Config, error) {
	config := &tls.Config{ServerName: options["name"], InsecureSkipVerify: true, MinVersion: tls.VersionTLS10}
	if err := setTLSParameters(config, options); err != nil {
		return nil, err
	}
	if name := options["session"]; name != "" {
		if r.sessions[name] == nil {
			r.sessions[name] = &oneSession{}
		}
		config.ClientSessionCache = r.sessions[name]
	}
	own := tls.Certificate{}
	if name := options["cert"]; name != "" {
		var err error
		if own, err = r.pair(name); err != nil {
			return nil, err
		}
	}
	config.GetClientCertificate = func(request *tls.CertificateRequestInfo) (*tls.Certificate, error) {
		client.request = request
		return &own, nil
	}
	return config, nil
}

var tlsVersions = map[string]uint16{
	"": 0, "1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13,
}

func setTLSParameters(config *tls.Config, options map[string]string) error {
	version, known := tlsVersions[options["version"]]
	if !known {
		return fmt.Errorf("unknown version %q", options["version"])
	}
	if version != 0 {
		config.MinVersion, config.MaxVersion = version, version
	}
	if alpn := options["alpn"]; alpn != "" {
		config.NextProtos = strings.Split(alpn, ",")
	}
	for text := range strings.FieldsFuncSeq(options["curves"], func(c rune) bool { return c == ',' }) {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return err
		}
		config.CurvePreferences = append(config.CurvePreferences, tls.CurveID(n))
	}
	all := slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites())
	for name := range strings.FieldsFuncSeq(options["ciphers"], func(c rune) bool { return c == ',' }) {
		i := slices.IndexFunc(all, func(s *tls.CipherSuite) bool { return s.Name == name })
		if i < 0 {
			return fmt.Errorf("unknown cipher %q", name)
		}
		config.CipherSuites = append(config.CipherSuites, all[i].ID)
	}
	return nil
}

func (r *run) tlsClient(name string) (*tlsClient, error) {
	c, err := r.client(name)
	if err != nil {
		return nil, err
	}
	client, ok := c.(*tlsClient)
	if !ok {
		return nil, fmt.Errorf("%s is no TLS client", name)
	}
	return client, nil
}

// presents compares the server's chain with the certificates of files.
func (r *run) presents(args []string) error {
	c, err := r.tlsClient(args[0])
	if err != nil {
		return err
	}
	var got, want []string
	for _, cert := range c.ConnectionState().PeerCertificates {
		got = append(got, cert.Subject.String())
	}
	for _, name := range args[1:] {
		cert, err := r.readCertificate(name)
		if err != nil {
			return err
		}
		want = append(want, cert.Subject.String())
	}
	return compareLines(got, want)
}

func (r *run) readCertificate(name string) (*x509.Certificate, error) {
	text, err := os.ReadFile(r.path(name + ".crt"))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("%s.crt has no certificate", name)
	}
	return x509.ParseCertificate(block.Bytes)
}

// requests checks whether the server has requested a certificate, and the authorities that it has named.
func (r *run) requests(args []string) error {
	c, err := r.tlsClient(args[0])
	if err != nil {
		return err
	}
	if c.request == nil {
		return errors.New("the server has requested no certificate")
	}
	if len(c.request.AcceptableCAs) != len(args)-1 {
		return fmt.Errorf("the server has named %d authorities, want %d", len(c.request.AcceptableCAs), len(args)-1)
	}
	for i, name := range args[1:] {
		cert, err := r.readCertificate(name)
		if err != nil {
			return err
		}
		if !bytes.Equal(c.request.AcceptableCAs[i], cert.RawSubject) {
			return fmt.Errorf("authority %d is not %s", i+1, name)
		}
	}
	return nil
}

// resumed checks whether the handshake has resumed a session.
func (r *run) resumed(args []string) error {
	c, err := r.tlsClient(args[0])
	if err != nil {
		return err
	}
	want := args[1] == "yes"
	if got := c.ConnectionState().DidResume; got != want {
		return fmt.Errorf("resumed: %v, want %v", got, want)
	}
	return nil
}

// stapled compares the OCSP response that the server has sent.
func (r *run) stapled(args []string) error {
	c, err := r.tlsClient(args[0])
	if err != nil {
		return err
	}
	if got := c.ConnectionState().OCSPResponse; string(got) != args[1] {
		return fmt.Errorf("got %q, want %q", got, args[1])
	}
	return nil
}

// expectFile expects the contents of a file.
func (r *run) expectFile(args []string) error {
	text, err := os.ReadFile(r.path(args[1]))
	if err != nil {
		return err
	}
	return r.expect([]string{args[0], string(text)})
}
