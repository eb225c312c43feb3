package conformance

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"path/filepath"
	"strings"

	"weir/conformance/peers"
)

// tlsStarter creates a peer with TLS, as starter does.
func tlsStarter(kind string, serve func(name string) peers.Serve) func(*run, []string) (string, error) {
	return func(r *run, args []string) (string, error) {
		name := joinArgs(args)
		if name == "" {
			name = kind
		}
		if p, ok := r.peers[name]; ok {
			return p.Addr(), nil
		}
		return onFreeAddr(func(addr string) error { return r.addTLSPeer(name, addr, serve(name)) })
	}
}

func (r *run) unixTLSEcho(args []string) (string, error) {
	if p, ok := r.peers[joinArgs(args)]; ok {
		return p.Addr(), nil
	}
	addr := "unix:" + filepath.Join(r.dir, joinArgs(args)+".sock")
	return addr, r.addTLSPeer(joinArgs(args), addr, peers.Echo)
}

func (r *run) addTLSPeer(name, addr string, serve peers.Serve) error {
	settings := &peers.TLS{}
	p, err := peers.StartTLS(name, addr, settings, serve)
	if err != nil {
		return err
	}
	r.peers[name], r.tlsPeers[name] = p, settings
	r.cleanup(p.Close)
	return nil
}

// tlsServer sets how a peer performs handshakes from now on.
func (r *run) tlsServer(args []string) error {
	settings, ok := r.tlsPeers[args[0]]
	if !ok {
		return fmt.Errorf("no peer %q with TLS", args[0])
	}
	options, err := parseOptions(args[1:], "cert", "clientca", "request", "version", "alpn", "ciphers", "tickets", "preamble")
	if err != nil {
		return err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS10, SessionTicketsDisabled: options["tickets"] == "off"}
	if err := setTLSParameters(config, options); err != nil {
		return err
	}
	own, err := r.pair(options["cert"])
	if err != nil {
		return err
	}
	config.Certificates = []tls.Certificate{own}
	if err := r.requestCertificate(config, options); err != nil {
		return err
	}
	settings.Set(config, options["preamble"] != "")
	return nil
}

// requestCertificate makes a peer request a certificate, and with an authority demand one.
func (r *run) requestCertificate(config *tls.Config, options map[string]string) error {
	if options["request"] != "" {
		config.ClientAuth = tls.RequestClientCert
	}
	if options["clientca"] == "" {
		return nil
	}
	authority, err := r.readCertificate(options["clientca"])
	if err != nil {
		return err
	}
	config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
	config.ClientCAs.AddCert(authority)
	return nil
}

// handshaken compares facts about the latest handshake of a peer.
func (r *run) handshaken(args []string) error {
	want, err := parseOptions(args[1:], "name", "alpn", "version", "cert", "resumed", "cipher", "preamble")
	if err != nil {
		return err
	}
	return r.awaitConn(args[0], func(c *peers.Conn) error {
		got, err := handshakeFacts(c)
		if err != nil {
			return err
		}
		for name, value := range want {
			if got[name] != value {
				return fmt.Errorf("%s is %q, want %q", name, got[name], value)
			}
		}
		return nil
	})
}

// handshakeFacts returns the values that handshaken compares.
func handshakeFacts(c *peers.Conn) (map[string]string, error) {
	state, err := c.TLSState()
	if err != nil {
		return nil, err
	}
	facts := map[string]string{
		"name": state.ServerName, "alpn": state.NegotiatedProtocol, "version": strings.TrimPrefix(tls.VersionName(state.Version), "TLS "),
		"resumed": "no", "cipher": tls.CipherSuiteName(state.CipherSuite), "preamble": strings.TrimRight(c.Preamble(), "\r\n"),
	}
	if state.DidResume {
		facts["resumed"] = "yes"
	}
	if len(state.PeerCertificates) > 0 {
		facts["cert"] = state.PeerCertificates[0].Subject.CommonName
	}
	return facts, nil
}
