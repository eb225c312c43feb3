package certverify

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"weir/conformance/installed"
	"weir/internal/testcert"
)

// A scenario is a verification with its result.
type scenario struct {
	name    string
	chain   []*entity
	trusted []*entity
	crls    []*x509.RevocationList
	depth   int
	level   int
	usage   Usage
	want    Code
}

func (s scenario) verify(t testing.TB) Code {
	t.Helper()
	return NewStore(certificates(s.trusted), s.crls).Verify(certificates(s.chain),
		Options{Usage: s.usage, Depth: s.depth, Level: s.level, Time: now})
}

func certificates(all []*entity) (certs []*x509.Certificate) {
	for _, e := range all {
		certs = append(certs, e.cert)
	}
	return certs
}

func of(all ...*entity) []*entity { return all }

func lists(all ...*x509.RevocationList) []*x509.RevocationList { return all }

func TestVerify(t *testing.T) {
	for _, s := range scenarios(t) {
		if got := s.verify(t); got != s.want {
			t.Errorf("%s: got %d (%v), want %d (%v)", s.name, got, got, s.want, s.want)
		}
	}
}

func scenarios(t testing.TB) []scenario {
	t.Helper()
	return append(append(chainScenarios(t), purposeScenarios(t)...), append(listScenarios(t), otherScenarios(t)...)...)
}

func chainScenarios(t testing.TB) []scenario {
	t.Helper()
	ca, other := root(t, "ca"), root(t, "other")
	mid := ca.authority(t, "intermediate")
	low := mid.authority(t, "lower")
	lone := issue(t, nil, testcert.ECKey(t), "lone", asLeaf)
	oldCA := root(t, "old", expired)
	mimic := root(t, "ca")
	spaced := issue(t, ca, testcert.ECKey(t), "x", asLeaf, func(c *x509.Certificate) { c.AuthorityKeyId = nil })
	return []scenario{
		{name: "issued by a trusted authority", chain: of(ca.leaf(t, "a")), trusted: of(ca), depth: 1, want: OK},
		{name: "depth 0", chain: of(ca.leaf(t, "a")), trusted: of(ca), depth: 0, want: OK},
		{name: "intermediate", chain: of(mid.leaf(t, "a"), mid), trusted: of(ca), depth: 1, want: OK},
		{name: "intermediate from the store", chain: of(mid.leaf(t, "a")), trusted: of(ca, mid), depth: 1, want: OK},
		{name: "intermediate and root presented", chain: of(mid.leaf(t, "a"), mid, ca), trusted: of(ca), depth: 1, want: OK},
		{name: "wrong order", chain: of(low.leaf(t, "a"), ca, mid, low), trusted: of(ca), depth: 2, want: OK},
		{name: "intermediate beyond depth 0", chain: of(mid.leaf(t, "a"), mid), trusted: of(ca), depth: 0, want: NoLocalIssuer},
		{name: "two intermediates beyond depth 1", chain: of(low.leaf(t, "a"), low, mid), trusted: of(ca), depth: 1, want: NoLocalIssuer},
		{name: "two intermediates and root beyond depth 1", chain: of(low.leaf(t, "a"), low, mid, ca), trusted: of(ca), depth: 1, want: NoLocalIssuer},
		{name: "intermediate missing", chain: of(mid.leaf(t, "a")), trusted: of(ca), depth: 3, want: LeafNotVerified},
		{name: "unknown authority", chain: of(other.leaf(t, "a")), trusted: of(ca), depth: 1, want: LeafNotVerified},
		{name: "unknown authority presented", chain: of(other.leaf(t, "a"), other), trusted: of(ca), depth: 1, want: SelfSignedInChain},
		{name: "nothing trusted", chain: of(ca.leaf(t, "a")), depth: 1, want: LeafNotVerified},
		{name: "self-signed", chain: of(lone), trusted: of(ca), depth: 1, want: SelfSigned},
		{name: "self-signed and trusted", chain: of(lone), trusted: of(lone), depth: 0, want: OK},
		{name: "leaf itself in the store", chain: of(spaced), trusted: of(spaced), depth: 1, want: LeafNotVerified},
		{name: "only the intermediate trusted", chain: of(mid.leaf(t, "a")), trusted: of(mid), depth: 1, want: NoIssuer},
		{name: "expired", chain: of(ca.leaf(t, "a", expired)), trusted: of(ca), depth: 1, want: Expired},
		{name: "not yet valid", chain: of(ca.leaf(t, "a", notYet)), trusted: of(ca), depth: 1, want: NotYetValid},
		{name: "expired authority", chain: of(oldCA.leaf(t, "a")), trusted: of(oldCA), depth: 1, want: Expired},
		{name: "expired and unknown", chain: of(other.leaf(t, "a", expired)), trusted: of(ca), depth: 1, want: Expired},
		{name: "expired and self-signed", chain: of(issue(t, nil, testcert.ECKey(t), "b", asLeaf, expired)), trusted: of(ca), depth: 1, want: Expired},
		{name: "root with the name of a trusted one", chain: of(mimic.leaf(t, "a"), mimic), trusted: of(ca), depth: 1, want: SelfSignedInChain},
		{name: "two trusted roots of one name", chain: of(ca.leaf(t, "a")), trusted: of(mimic, ca), depth: 1, want: OK},
		{name: "two trusted roots of one name, no identifier",
			chain: of(withoutIdentifiers(t, ca)), trusted: of(rootWithoutIdentifiers(t, "ca"), ca), depth: 1, want: BadSignature},
	}
}

// rootWithoutIdentifiers returns an authority that is known by its name only.
func rootWithoutIdentifiers(t testing.TB, name string) *entity {
	t.Helper()
	return issue(t, nil, testcert.ECKey(t), name, asAuthority, func(c *x509.Certificate) { c.SubjectKeyId = []byte{} },
		extensionOf(asn1.ObjectIdentifier{2, 5, 29, 14}, false, []byte{4, 0}))
}

// withoutIdentifiers returns a certificate that does not identify its issuer's key.
func withoutIdentifiers(t testing.TB, ca *entity) *entity {
	t.Helper()
	return issue(t, ca, testcert.ECKey(t), "a", asLeaf, extensionOf(oidAuthorityKey, false, []byte{0x30, 0}))
}

func purposeScenarios(t testing.TB) []scenario {
	t.Helper()
	ca := root(t, "ca")
	weak := root(t, "no certSign", keyUsage(x509.KeyUsageCRLSign))
	noCA := ca.authority(t, "no authority", notAuthorityCert)
	unmarked := ca.authority(t, "no constraints", noConstraints)
	plain := ca.leaf(t, "leaf as authority")
	short := root(t, "short", pathLimit(0))
	below := short.authority(t, "below")
	two := root(t, "two", pathLimit(1))
	twoMid := two.authority(t, "two mid")
	twoLow := twoMid.authority(t, "two low")
	clientsOnly := ca.authority(t, "clients only", usages(x509.ExtKeyUsageClientAuth))
	netscape := func(bits byte) change { return extensionOf(oidNetscapeType, false, []byte{3, 2, 0, bits}) }
	unknown := asn1.ObjectIdentifier{1, 2, 3, 4}
	return []scenario{
		{name: "for servers only", chain: of(ca.leaf(t, "a", usages(x509.ExtKeyUsageServerAuth))), trusted: of(ca), depth: 1, want: WrongPurpose},
		{name: "for clients only", chain: of(ca.leaf(t, "a", usages(x509.ExtKeyUsageClientAuth))), trusted: of(ca), depth: 1, want: OK},
		{name: "server for servers", chain: of(ca.leaf(t, "a", usages(x509.ExtKeyUsageServerAuth))), trusted: of(ca), depth: 1, usage: ForServers, want: OK},
		{name: "client for servers", chain: of(ca.leaf(t, "a", usages(x509.ExtKeyUsageClientAuth))), trusted: of(ca), depth: 1, usage: ForServers, want: WrongPurpose},
		{name: "any usage", chain: of(ca.leaf(t, "a", usages(x509.ExtKeyUsageAny))), trusted: of(ca), depth: 1, want: WrongPurpose},
		{name: "old usage of servers", chain: of(ca.leaf(t, "a", usages(x509.ExtKeyUsageNetscapeServerGatedCrypto))), trusted: of(ca), depth: 1, usage: ForServers, want: OK},
		{name: "no usages", chain: of(ca.leaf(t, "a", usages())), trusted: of(ca), depth: 1, want: OK},
		{name: "no key usage", chain: of(ca.leaf(t, "a", keyUsage(0))), trusted: of(ca), depth: 1, want: OK},
		{name: "key encipherment of a client", chain: of(ca.leaf(t, "a", keyUsage(x509.KeyUsageKeyEncipherment))), trusted: of(ca), depth: 1, want: WrongPurpose},
		{name: "key encipherment of a server", chain: of(ca.leaf(t, "a", keyUsage(x509.KeyUsageKeyEncipherment))), trusted: of(ca), depth: 1, usage: ForServers, want: OK},
		{name: "authority for clients only", chain: of(clientsOnly.leaf(t, "a"), clientsOnly), trusted: of(ca), depth: 1, want: OK},
		{name: "authority for clients only, server", chain: of(clientsOnly.leaf(t, "a"), clientsOnly), trusted: of(ca), depth: 1, usage: ForServers, want: WrongPurpose},
		{name: "authority without certSign", chain: of(weak.leaf(t, "a")), trusted: of(weak), depth: 1, want: NoCertSign},
		{name: "not an authority", chain: of(noCA.leaf(t, "a"), noCA), trusted: of(ca), depth: 1, want: WrongPurpose},
		{name: "no constraints but key usage", chain: of(unmarked.leaf(t, "a"), unmarked), trusted: of(ca), depth: 1, want: InvalidCA},
		{name: "issued by a leaf", chain: of(plain.leaf(t, "a"), plain), trusted: of(ca), depth: 1, want: NoCertSign},
		{name: "path limit 0", chain: of(below.leaf(t, "a"), below), trusted: of(short), depth: 5, want: PathTooLong},
		{name: "path limit 1", chain: of(twoMid.leaf(t, "a"), twoMid), trusted: of(two), depth: 5, want: OK},
		{name: "path limit 1, two intermediates", chain: of(twoLow.leaf(t, "a"), twoLow, twoMid), trusted: of(two), depth: 5, want: PathTooLong},
		{name: "unknown critical extension", chain: of(ca.leaf(t, "a", extensionOf(unknown, true, []byte{5, 0}))), trusted: of(ca), depth: 1, want: UnhandledCritical},
		{name: "unknown extension", chain: of(ca.leaf(t, "a", extensionOf(unknown, false, []byte{5, 0}))), trusted: of(ca), depth: 1, want: OK},
		{name: "Netscape server as a client", chain: of(ca.leaf(t, "a", netscape(netscapeServer))), trusted: of(ca), depth: 1, want: WrongPurpose},
		{name: "Netscape client", chain: of(ca.leaf(t, "a", netscape(netscapeClient))), trusted: of(ca), depth: 1, want: OK},
		{name: "proxy certificate", chain: of(ca.leaf(t, "a", extensionOf(oidProxy, true, proxyInfo))), trusted: of(ca), depth: 1, want: ProxyNotAllowed},
	}
}

// proxyInfo is the extension of a proxy certificate that inherits all rights.
var proxyInfo = []byte{0x30, 0x0c, 0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x15, 0x01}

func listScenarios(t testing.TB) []scenario {
	t.Helper()
	ca, other := root(t, "ca"), root(t, "ca")
	mid := ca.authority(t, "intermediate")
	leaf, bad := ca.leaf(t, "good"), ca.leaf(t, "bad")
	noSign := root(t, "no crlSign", keyUsage(x509.KeyUsageCertSign))
	good, revoked := ca.list(t, nil), ca.list(t, of(bad))
	old := ca.list(t, nil, func(l *x509.RevocationList) {
		l.ThisUpdate, l.NextUpdate = now.Add(-48*time.Hour), now.Add(-24*time.Hour)
	})
	early := ca.list(t, nil, func(l *x509.RevocationList) {
		l.ThisUpdate, l.NextUpdate = now.Add(24*time.Hour), now.Add(48*time.Hour)
	})
	older := ca.list(t, nil, func(l *x509.RevocationList) { l.ThisUpdate = now.Add(-30 * time.Minute) })
	removed := ca.list(t, of(bad), func(l *x509.RevocationList) { l.RevokedCertificateEntries[0].ReasonCode = removeFromCRL })
	critical := ca.list(t, nil, listExtension(asn1.ObjectIdentifier{1, 2, 3}, true, []byte{5, 0}))
	forUsers := ca.list(t, nil, listExtension(oidIssuingPoint, true, []byte{0x30, 3, 0x81, 1, 0xff}))
	forAuthorities := ca.list(t, nil, listExtension(oidIssuingPoint, true, []byte{0x30, 3, 0x82, 1, 0xff}))
	indirect := ca.list(t, nil, listExtension(oidIssuingPoint, true, []byte{0x30, 3, 0x84, 1, 0xff}))
	point := ca.list(t, nil, listExtension(oidIssuingPoint, true, []byte{0x30, 9, 0xa0, 7, 0xa0, 5, 0x86, 3, 'u', ':', '1'}))
	pointed := ca.leaf(t, "p", func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"u:1"} })
	return []scenario{
		{name: "not revoked", chain: of(leaf), trusted: of(ca), crls: lists(good), depth: 1, want: OK},
		{name: "revoked", chain: of(bad), trusted: of(ca), crls: lists(revoked), depth: 1, want: Revoked},
		{name: "another is revoked", chain: of(leaf), trusted: of(ca), crls: lists(revoked), depth: 1, want: OK},
		{name: "revoked and expired", chain: of(ca.leaf(t, "e", expired)), trusted: of(ca), crls: lists(good), depth: 1, want: Expired},
		{name: "list of the intermediate missing", chain: of(mid.leaf(t, "a"), mid), trusted: of(ca), crls: lists(good), depth: 1, want: NoCRL},
		{name: "list of the root missing", chain: of(mid.leaf(t, "a"), mid), trusted: of(ca), crls: lists(mid.list(t, nil)), depth: 1, want: NoCRL},
		{name: "lists of both", chain: of(mid.leaf(t, "a"), mid), trusted: of(ca), crls: lists(mid.list(t, nil), good), depth: 1, want: OK},
		{name: "intermediate revoked", chain: of(mid.leaf(t, "a"), mid), trusted: of(ca), crls: lists(mid.list(t, nil), ca.list(t, of(mid))), depth: 1, want: Revoked},
		{name: "expired list", chain: of(leaf), trusted: of(ca), crls: lists(old), depth: 1, want: CRLExpired},
		{name: "list not yet valid", chain: of(leaf), trusted: of(ca), crls: lists(early), depth: 1, want: CRLNotYetValid},
		{name: "newer list of two", chain: of(bad), trusted: of(ca), crls: lists(older, revoked), depth: 1, want: Revoked},
		{name: "newer list of two, other order", chain: of(bad), trusted: of(ca), crls: lists(revoked, older), depth: 1, want: Revoked},
		{name: "valid list of two", chain: of(leaf), trusted: of(ca), crls: lists(early, older), depth: 1, want: OK},
		{name: "removed from the list", chain: of(bad), trusted: of(ca), crls: lists(removed), depth: 1, want: OK},
		{name: "list of another key", chain: of(leaf), trusted: of(ca), crls: lists(other.list(t, nil)), depth: 1, want: NoCRL},
		{name: "authority without crlSign", chain: of(noSign.leaf(t, "a")), trusted: of(noSign), crls: lists(noSign.list(t, nil)), depth: 1, want: NoCRLSign},
		{name: "critical extension of a list", chain: of(leaf), trusted: of(ca), crls: lists(critical), depth: 1, want: UnhandledCriticalCRL},
		{name: "list for users only", chain: of(leaf), trusted: of(ca), crls: lists(forUsers), depth: 1, want: NoCRL},
		{name: "lists for users and for authorities", chain: of(leaf), trusted: of(ca), crls: lists(forUsers, forAuthorities), depth: 1, want: OK},
		{name: "indirect list", chain: of(leaf), trusted: of(ca), crls: lists(indirect), depth: 1, want: NoCRL},
		{name: "list of another point", chain: of(leaf), trusted: of(ca), crls: lists(point), depth: 1, want: NoCRL},
		{name: "list of a point", chain: of(pointed), trusted: of(ca), crls: lists(point, good), depth: 1, want: OK},
		{name: "unknown authority with lists", chain: of(root(t, "stranger").leaf(t, "a")), trusted: of(ca), crls: lists(good), depth: 1, want: LeafNotVerified},
	}
}

func otherScenarios(t testing.TB) []scenario {
	t.Helper()
	ca := root(t, "ca")
	rsaCA := issue(t, nil, testcert.RSAKey(t, 2048), "rsa", asAuthority)
	weakCA := issue(t, nil, testcert.RSAKey(t, 1024), "weak", asAuthority)
	weakLeaf := issue(t, rsaCA, testcert.RSAKey(t, 1024), "a", asLeaf)
	old := issue(t, rsaCA, testcert.ECKey(t), "a", asLeaf, algorithm(x509.SHA1WithRSA))
	limited := root(t, "limited", func(c *x509.Certificate) {
		c.PermittedDNSDomains, c.ExcludedDNSDomains = []string{"example.com"}, []string{"bad.example.com"}
		c.PermittedEmailAddresses = []string{"example.com"}
		c.PermittedIPRanges = []*net.IPNet{{IP: net.IP{10, 0, 0, 0}, Mask: net.CIDRMask(8, 32)}}
	})
	address := func(ip ...byte) change { return func(c *x509.Certificate) { c.IPAddresses = []net.IP{ip} } }
	email := func(a string) change { return func(c *x509.Certificate) { c.EmailAddresses = []string{a} } }
	named := func(name string, changes ...change) []*entity { return of(limited.leaf(t, name, changes...)) }
	return []scenario{
		{name: "weak key", chain: of(weakLeaf), trusted: of(rsaCA), depth: 1, want: KeyTooWeak, level: 2},
		{name: "weak key, level 1", chain: of(weakLeaf), trusted: of(rsaCA), depth: 1, want: OK, level: 1},
		{name: "weak key and unknown authority", chain: of(weakLeaf), trusted: of(ca), depth: 1, want: LeafNotVerified, level: 2},
		{name: "weak authority", chain: of(weakCA.leaf(t, "a")), trusted: of(weakCA), depth: 1, want: CAKeyTooWeak, level: 2},
		{name: "SHA-1, level 0", chain: of(old), trusted: of(rsaCA), depth: 1, want: OK},
		{name: "SHA-1, level 1", chain: of(old), trusted: of(rsaCA), depth: 1, want: DigestTooWeak, level: 1},
		{name: "P-256, level 3", chain: of(ca.leaf(t, "a")), trusted: of(ca), depth: 1, want: OK, level: 3},
		{name: "P-256, level 4", chain: of(ca.leaf(t, "a")), trusted: of(ca), depth: 1, want: CAKeyTooWeak, level: 4},
		{name: "permitted name", chain: named("x", dnsName("a.Example.com")), trusted: of(limited), depth: 1, want: OK},
		{name: "name not permitted", chain: named("x", dnsName("a.example.com", "aexample.com")), trusted: of(limited), depth: 1, want: NotPermitted},
		{name: "excluded name", chain: named("x", dnsName("very.bad.example.com")), trusted: of(limited), depth: 1, want: Excluded},
		{name: "common name not permitted", chain: named("other.org"), trusted: of(limited), depth: 1, want: NotPermitted},
		{name: "common name that is no host", chain: named("a device"), trusted: of(limited), depth: 1, want: OK},
		{name: "address not permitted", chain: named("x", address(11, 0, 0, 1)), trusted: of(limited), depth: 1, want: NotPermitted},
		{name: "permitted address", chain: named("x", address(10, 0, 0, 1)), trusted: of(limited), depth: 1, want: OK},
		{name: "email not permitted", chain: named("x", email("a@sub.example.com")), trusted: of(limited), depth: 1, want: NotPermitted},
		{name: "permitted email", chain: named("x", email("a@example.com")), trusted: of(limited), depth: 1, want: OK},
	}
}

// TestAgainstOpenSSL compares the results with those of the openssl program.
func TestAgainstOpenSSL(t *testing.T) {
	if testing.Short() {
		t.Skip("runs openssl many times")
	}
	openssl := installed.Program(t, "openssl", "openssl")
	for _, s := range scenarios(t) {
		if s.level == 4 || s.want == ProxyNotAllowed {
			continue // no cipher is strong enough; the names of the proxy would be the last error
		}
		want := s.clientResult(t, openssl)
		if got := s.verify(t); got != want {
			t.Errorf("%s: got %d (%v), want %d (%v)", s.name, got, got, want, want)
		}
	}
}

var returnCode = regexp.MustCompile(`Verify return code: (\d+)`)

// clientResult lets the openssl program verify the chain as that of a server, with the usage of the
// scenario. Like nginx, its client continues after an error.
func (s scenario) clientResult(t *testing.T, openssl string) Code {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ca.pem")
	var text strings.Builder
	for _, c := range certificates(s.trusted) {
		pemTo(t, &text, "CERTIFICATE", c.Raw)
	}
	for _, l := range s.crls {
		pemTo(t, &text, "X509 CRL", l.Raw)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"s_client", "-connect", s.serve(t), "-verify_depth", strconv.Itoa(s.depth), "-no-CAstore", "-no-CApath",
		"-cipher", fmt.Sprintf("ALL:@SECLEVEL=%d", s.level)}
	if len(s.trusted) > 0 {
		args = append(args, "-CAfile", file)
	} else {
		args = append(args, "-no-CAfile")
	}
	if s.usage == ForClients {
		args = append(args, "-purpose", "sslclient")
	}
	if len(s.crls) > 0 {
		args = append(args, "-crl_check", "-crl_check_all")
	}
	out, err := exec.Command(openssl, args...).Output()
	m := returnCode.FindSubmatch(out)
	if m == nil {
		t.Fatalf("%s: %v: %s", s.name, err, out)
	}
	n, _ := strconv.Atoi(string(m[1]))
	return Code(n)
}

func pemTo(t *testing.T, text *strings.Builder, kind string, der []byte) {
	t.Helper()
	if err := pem.Encode(text, &pem.Block{Type: kind, Bytes: der}); err != nil {
		t.Fatal(err)
	}
}

// serve presents the chain to one client and returns the address.
func (s scenario) serve(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	cert := tls.Certificate{PrivateKey: s.chain[0].key}
	for _, c := range certificates(s.chain) {
		cert.Certificate = append(cert.Certificate, c.Raw)
	}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_ = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{cert}}).Handshake()
	}()
	return l.Addr().String()
}

func TestVerifyNothing(t *testing.T) {
	if got := NewStore(nil, nil).Verify(nil, Options{Time: now}); got != Unspecified {
		t.Errorf("got %v, want %v", got, Unspecified)
	}
}

func TestIdentity(t *testing.T) {
	a, b := root(t, "a"), root(t, "b")
	store := NewStore(certificates(of(a)), nil)
	if other := NewStore(certificates(of(a, a)), nil); other.Identity() != store.Identity() {
		t.Error("a duplicate changes the identity")
	}
	for _, other := range []*Store{NewStore(nil, nil), NewStore(certificates(of(b)), nil), NewStore(certificates(of(a, b)), nil),
		NewStore(certificates(of(a)), lists(a.list(t, nil)))} {
		if other.Identity() == store.Identity() {
			t.Error("two stores have the same identity")
		}
	}
}

func TestCode(t *testing.T) {
	for c, want := range map[Code]string{OK: "ok", Expired: "certificate has expired", InvalidCA: "invalid CA certificate",
		94: "Certificate public key has explicit ECC parameters", 95: "unknown certificate verification error", -1: "unknown certificate verification error"} {
		if got := c.String(); got != want {
			t.Errorf("%d: got %q, want %q", int(c), got, want)
		}
	}
	for c, want := range map[Code]bool{OK: false, Expired: false, NoIssuer: false, SelfSigned: true, NoLocalIssuer: true, LeafNotVerified: true} {
		if got := c.IsMissingCA(); got != want {
			t.Errorf("%v: got %v, want %v", c, got, want)
		}
	}
}
