package tlsconf

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"io/fs"
	"math/big"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/youmark/pkcs8"

	"weir/conformance/installed"
	"weir/internal/certverify"
	"weir/internal/testcert"
)

// memory is a set of files by their names.
type memory map[string]string

func (m memory) files() Files {
	return Files{Read: func(path string) ([]byte, error) {
		switch text, ok := m[path]; {
		case path == "/directory":
			return nil, &fs.PathError{Op: "read", Path: path, Err: syscall.EISDIR}
		case path == "/secret":
			return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EACCES}
		case !ok:
			return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.ENOENT}
		default:
			return []byte(text), nil
		}
	}}
}

// A made certificate has its key and both as PEM.
type made struct {
	cert      *x509.Certificate
	key       crypto.Signer
	pem, pkcs string
}

// makeCert returns a certificate that by has signed, or that has signed itself if by is nil.
func makeCert(t testing.TB, by *made, key crypto.Signer, edits ...func(*x509.Certificate)) *made {
	t.Helper()
	var parent *testcert.Certificate
	if by != nil {
		parent = &testcert.Certificate{Certificate: by.cert, Key: by.key}
	}
	named := func(c *x509.Certificate) { c.Subject.CommonName = "test" }
	c := testcert.Issue(t, parent, key, append([]func(*x509.Certificate){named}, edits...)...)
	return &made{c.Certificate, key, block("CERTIFICATE", c.Raw), block("PRIVATE KEY", pkcs8Of(t, key))}
}

func authority(c *x509.Certificate) {
	testcert.Authority(c)
	c.Subject.CommonName = "authority"
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func pkcs8Of(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func sec1(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestCertificateForms(t *testing.T) {
	ec, rsaPrivate := testcert.ECKey(t), testcert.RSAKey(t, 2048)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := makeCert(t, nil, testcert.ECKey(t), authority)
	byEC, byRSA, byEd := makeCert(t, ca, ec), makeCert(t, ca, rsaPrivate), makeCert(t, ca, ed)
	parameters := block("EC PARAMETERS", []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7})
	m := memory{
		"/ec.crt": byEC.pem, "/ec8.key": byEC.pkcs, "/ec1.key": parameters + block("EC PRIVATE KEY", sec1(t, ec)),
		"/rsa.crt": "text before\n" + byRSA.pem + "text between\n" + ca.pem, "/rsa8.key": byRSA.pkcs,
		"/rsa1.key": block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaPrivate)),
		"/ed.crt":   byEd.pem, "/ed.key": byEd.pkcs, "/both": byEC.pem + byEC.pkcs,
		"/crlf.crt": strings.ReplaceAll(byEC.pem, "\n", "\r\n"), "/crlf.key": strings.ReplaceAll(byEC.pkcs, "\n", "\r\n"),
		"/old.crt": strings.ReplaceAll(byEC.pem, "CERTIFICATE", "X509 CERTIFICATE"), "/noeol.crt": strings.TrimSpace(byEC.pem),
		"/trusted.crt": block("TRUSTED CERTIFICATE", append(bytes.Clone(byEC.cert.Raw), 0x30, 0)),
	}
	for _, c := range []struct {
		certificate, key string
		chain            int
	}{
		{"/ec.crt", "/ec8.key", 1}, {"/ec.crt", "/ec1.key", 1}, {"/rsa.crt", "/rsa8.key", 2}, {"/rsa.crt", "/rsa1.key", 2},
		{"/ed.crt", "/ed.key", 1}, {"/both", "/both", 1}, {"/crlf.crt", "/crlf.key", 1}, {"/old.crt", "/ec8.key", 1},
		{"/noeol.crt", "/ec8.key", 1}, {"/trusted.crt", "/ec8.key", 1}, {"data:" + byEC.pem, "data:" + byEC.pkcs, 1},
	} {
		loaded, err := m.files().Certificate(c.certificate, c.key, nil, 2)
		if err != nil || len(loaded.Certificate) != c.chain || loaded.Leaf == nil {
			t.Errorf("%s and %s: got a chain of %d and %v, want %d", c.certificate, c.key, len(loaded.Certificate), err, c.chain)
		}
	}
}

// A certificateError is a certificate with a key that cannot be used, with nginx's sentence, as nginx
// 1.31.5 prints it with OpenSSL 3.0; a colon at the end stands for the words of crypto/x509. It is
// empty if there is no error.
type certificateError struct {
	certificate, key string
	level            int
	want             string
}

func TestCertificateErrors(t *testing.T) {
	m, cases := certificateErrors(t)
	for _, c := range cases {
		_, err := m.files().Certificate(c.certificate, c.key, nil, c.level)
		checkSentence(t, c.certificate+" "+c.key, err, c.want)
	}
}

func certificateErrors(t testing.TB) (memory, []certificateError) {
	t.Helper()
	ec, other, weak := testcert.ECKey(t), testcert.ECKey(t), testcert.RSAKey(t, 1024)
	ca := makeCert(t, nil, testcert.RSAKey(t, 2048), authority)
	good := makeCert(t, ca, ec)
	sha1 := makeCert(t, ca, ec, func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA })
	small, self := makeCert(t, nil, weak), makeCert(t, nil, testcert.RSAKey(t, 2048), func(c *x509.Certificate) { c.SignatureAlgorithm = x509.SHA1WithRSA })
	badBlock := block("CERTIFICATE", []byte{0, 0, 0})
	m := memory{
		"/ok.crt": good.pem, "/ok.key": good.pkcs, "/other.key": block("PRIVATE KEY", pkcs8Of(t, other)), "/rsa.key": block("PRIVATE KEY", pkcs8Of(t, weak)),
		"/garbage": "garbage\n", "/empty": "", "/bad.crt": badBlock, "/chain.crt": good.pem + badBlock,
		"/base64.crt": "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", "/end.crt": "-----BEGIN CERTIFICATE-----\nAAAA\n",
		"/bad.key": block("PRIVATE KEY", []byte{0, 0, 0}), "/weak.crt": small.pem, "/weakchain.crt": good.pem + small.pem,
		"/sha1.crt": sha1.pem, "/self.crt": self.pem, "/self.key": self.pkcs,
	}
	const noStart = `PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)`
	const badDER = `(SSL: error:068000A8:asn1 encoding routines::wrong tag error:0688010A:asn1 encoding routines::nested asn1 error:Type=X509 error:0488000D:PEM routines::ASN1 lib:`
	const noKey = `PEM_read_bio_PrivateKey() failed (SSL: error:1E08010C:DECODER routines::unsupported:No supported data to decode. Input type: PEM`
	return m, []certificateError{
		{"/none", "/ok.key", 2, `cannot load certificate "/none": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(/none, r) error:10000080:BIO routines::no such file)`},
		{"/secret", "/ok.key", 2, `cannot load certificate "/secret": BIO_new_file() failed (SSL: error:8000000D:system library::Permission denied:calling fopen(/secret, r) error:10080002:BIO routines::system lib)`},
		{"/directory", "/ok.key", 2, `cannot load certificate "/directory": ` + noStart},
		{"/garbage", "/ok.key", 2, `cannot load certificate "/garbage": ` + noStart},
		{"/empty", "/ok.key", 2, `cannot load certificate "/empty": ` + noStart},
		{"/ok.key", "/ok.key", 2, `cannot load certificate "/ok.key": ` + noStart},
		{"data:", "/ok.key", 2, `cannot load certificate "data:": ` + noStart},
		{"/bad.crt", "/ok.key", 2, `cannot load certificate "/bad.crt": PEM_read_bio_X509_AUX() failed ` + badDER},
		{"/chain.crt", "/ok.key", 2, `cannot load certificate "/chain.crt": PEM_read_bio_X509() failed ` + badDER},
		{"/base64.crt", "/ok.key", 2, `cannot load certificate "/base64.crt": PEM_read_bio_X509_AUX() failed (SSL: error:04800064:PEM routines::bad base64 decode)`},
		{"/end.crt", "/ok.key", 2, `cannot load certificate "/end.crt": PEM_read_bio_X509_AUX() failed (SSL: error:04800066:PEM routines::bad end line)`},
		{"/ok.crt", "/none", 2, `cannot load certificate key "/none": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(/none, r) error:10000080:BIO routines::no such file)`},
		{"/ok.crt", "/garbage", 2, `cannot load certificate key "/garbage": ` + noKey + `)`},
		{"/ok.crt", "/directory", 2, `cannot load certificate key "/directory": ` + noKey + `)`},
		{"/ok.crt", "/ok.crt", 2, `cannot load certificate key "/ok.crt": ` + noKey + `)`},
		{"/ok.crt", "/bad.key", 2, `cannot load certificate key "/bad.key": ` + noKey + `:`},
		{"/ok.crt", "engine:foo", 2, `cannot load certificate key "engine:foo": invalid syntax`},
		{"/ok.crt", "engine:foo:bar", 2, `cannot load certificate key "engine:foo:bar": loading "engine:..." certificate keys is not supported`},
		{"/ok.crt", "store:file:foo", 2, `cannot load certificate key "store:file:foo": loading "store:..." certificate keys is not supported`},
		{"/ok.crt", "/other.key", 2, `SSL_CTX_use_PrivateKey("/other.key") failed (SSL: error:05800074:x509 certificate routines::key values mismatch)`},
		{"/ok.crt", "/rsa.key", 2, `SSL_CTX_use_PrivateKey("/rsa.key") failed (SSL: error:05800073:x509 certificate routines::key type mismatch)`},
		{"/weak.crt", "/rsa.key", 2, `SSL_CTX_use_certificate("/weak.crt") failed (SSL: error:0A00018F:SSL routines::ee key too small)`},
		{"/weak.crt", "/rsa.key", 1, ""},
		{"/weakchain.crt", "/ok.key", 2, `SSL_CTX_set0_chain("/weakchain.crt") failed (SSL: error:0A00018D:SSL routines::ca key too small)`},
		{"/sha1.crt", "/ok.key", 2, `SSL_CTX_use_certificate("/sha1.crt") failed (SSL: error:0A00018E:SSL routines::ca md too weak)`},
		{"/sha1.crt", "/ok.key", 0, ""},
		{"/self.crt", "/self.key", 2, ""},
	}
}

// checkSentence compares an error with a sentence, of which the end may be missing after a colon.
func checkSentence(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil {
		if want != "" {
			t.Errorf("%s: no error, want %s", name, want)
		}
		return
	}
	got := err.Error()
	if got != want && !(strings.HasSuffix(want, ":") && strings.HasPrefix(got, want)) || want == "" {
		t.Errorf("%s:\n\tgot  %s\n\twant %s", name, got, want)
	}
}

func TestEncryptedKeys(t *testing.T) {
	ec := testcert.ECKey(t)
	cert := makeCert(t, nil, ec)
	//lint:ignore SA1019 nginx reads this form
	old, err := x509.EncryptPEMBlock(rand.Reader, "EC PRIVATE KEY", sec1(t, ec), []byte("secret"), x509.PEMCipherAES128)
	if err != nil {
		t.Fatal(err)
	}
	modern, err := pkcs8.MarshalPrivateKey(ec, []byte("secret"), nil)
	if err != nil {
		t.Fatal(err)
	}
	m := memory{"/crt": cert.pem, "/old": string(pem.EncodeToMemory(old)), "/new": block("ENCRYPTED PRIVATE KEY", modern), "/plain": cert.pkcs}
	const failed = `": PEM_read_bio_PrivateKey() failed (SSL: error:`
	const asked = failed + `1400006B:UI routines::processing error:while reading strings error:0480006D:PEM routines::problems getting password error:07880109:common libcrypto routines::interrupted or cancelled error:07880109:common libcrypto routines::interrupted or cancelled error:04800068:PEM routines::bad password read)`
	const once = `error:1C800064:Provider routines::bad decrypt error:11800074:PKCS12 routines::pkcs12 cipherfinal error:`
	for _, c := range []struct {
		key       string
		passwords []string
		want      string
	}{
		{"/old", []string{"secret"}, ""}, {"/old", []string{"wrong", "", "secret"}, ""}, {"/new", []string{"wrong", "secret"}, ""}, {"/plain", []string{"wrong"}, ""},
		{"/old", []string{"wrong"}, `cannot load certificate key "/old` + failed + `1C800064:Provider routines::bad decrypt error:04800065:PEM routines::bad decrypt)`},
		{"/new", []string{"wrong"}, `cannot load certificate key "/new": PEM_read_bio_PrivateKey() failed (SSL: ` + once + `maybe wrong password ` + once + `maybe wrong password)`},
		{"/new", []string{""}, `cannot load certificate key "/new": PEM_read_bio_PrivateKey() failed (SSL: ` + once + `empty password ` + once + `empty password)`},
		{"/old", nil, `cannot load certificate key "/old` + asked}, {"/new", nil, `cannot load certificate key "/new` + asked},
	} {
		_, err := m.files().Certificate("/crt", c.key, c.passwords, 2)
		checkSentence(t, c.key+" "+strings.Join(c.passwords, ","), err, c.want)
	}
}

// TestKeysOfOpenSSL loads keys that the openssl program has encrypted in its forms.
func TestKeysOfOpenSSL(t *testing.T) {
	if testing.Short() {
		t.Skip("runs openssl many times")
	}
	openssl := installed.Program(t, "openssl", "openssl")
	plain := testcert.RSAKey(t, 2048)
	cert := makeCert(t, nil, plain)
	for _, args := range []string{
		"rsa -traditional -aes256", "rsa -traditional -des3", "pkcs8 -topk8", "pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA1",
		"pkcs8 -topk8 -v2 des3", "pkcs8 -topk8 -scrypt",
	} {
		cmd := exec.Command(openssl, append(strings.Fields(args), "-passout", "pass:secret")...)
		cmd.Stdin = strings.NewReader(cert.pkcs)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", args, err)
		}
		m := memory{"/crt": cert.pem, "/key": string(out)}
		if _, err := m.files().Certificate("/crt", "/key", []string{"wrong", "secret"}, 2); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
}

func TestPasswords(t *testing.T) {
	long := strings.Repeat("a", passwordLine)
	m := memory{
		"/two": "one\r\n\ntwo", "/empty": "", "/lines": "\n\r\n", "/long": long[1:] + "\nb\n", "/longer": long + "\n", "/end": "b\n" + long,
	}
	for path, want := range map[string]string{"/two": "one,two", "/empty": "", "/lines": "", "/long": long[1:] + ",b"} {
		got, err := m.files().Passwords(path)
		if err != nil || strings.Join(got, ",") != want || len(got) == 0 {
			t.Errorf("%s: got %q and %v, want %q", path, got, err, want)
		}
	}
	for path, want := range map[string]string{
		"/longer": `too long line in "/longer"`, "/end": `too long line in "/end"`, "/none": `open() "/none" failed (2: No such file or directory)`,
		"/directory": `read() "/directory" failed (21: Is a directory)`,
	} {
		_, err := m.files().Passwords(path)
		checkPlaced(t, path, err, want)
	}
}

func checkPlaced(t *testing.T, name string, err error, want string) {
	t.Helper()
	checkSentence(t, name, err, want)
	if e, ok := errors.AsType[*Error](err); !ok || !e.HasPlace {
		t.Errorf("%s: %#v has no place", name, err)
	}
}

func TestAuthorities(t *testing.T) {
	ca := makeCert(t, nil, testcert.ECKey(t), authority)
	m := memory{"/one": ca.pem, "/two": ca.pem + "between\n" + ca.pem, "/garbage": "x", "/bad": ca.pem + block("CERTIFICATE", []byte{0}),
		"/trusted": block("TRUSTED CERTIFICATE", ca.cert.Raw)}
	for path, want := range map[string]int{"/one": 1, "/two": 2} {
		if got, err := m.files().Authorities(path); err != nil || len(got) != want {
			t.Errorf("%s: got %d and %v, want %d", path, len(got), err, want)
		}
	}
	for path, want := range map[string]string{
		"/none":      `cannot load certificate "/none": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(/none, r) error:10000080:BIO routines::no such file)`,
		"/garbage":   `cannot load certificate "/garbage": PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)`,
		"/directory": `cannot load certificate "/directory": PEM_read_bio_X509_AUX() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE)`,
		"/bad":       `cannot load certificate "/bad": PEM_read_bio_X509_AUX() failed (SSL: error:068000A8:asn1 encoding routines::wrong tag error:0688010A:asn1 encoding routines::nested asn1 error:Type=X509 error:0488000D:PEM routines::ASN1 lib:`,
		"/trusted":   `cannot load certificate "/trusted": PEM_read_bio_X509_AUX() failed: TRUSTED CERTIFICATE is not supported`,
	} {
		_, err := m.files().Authorities(path)
		checkSentence(t, path, err, want)
	}
}

func TestRevocationLists(t *testing.T) {
	ca := makeCert(t, nil, testcert.ECKey(t), authority)
	list := block("X509 CRL", revocationList(t, ca).Raw)
	m := memory{"/one": list, "/two": list + ca.pem + list, "/cert": ca.pem, "/bad": list + block("X509 CRL", []byte{0})}
	for path, want := range map[string]int{"/one": 1, "/two": 2} {
		if got, err := m.files().RevocationLists(path); err != nil || len(got) != want {
			t.Errorf("%s: got %d and %v, want %d", path, len(got), err, want)
		}
	}
	for path, want := range map[string]string{
		"/none": `cannot load CRL "/none": BIO_new_file() failed (SSL: error:80000002:system library::No such file or directory:calling fopen(/none, r) error:10000080:BIO routines::no such file)`,
		"/cert": `cannot load CRL "/cert": PEM_read_bio_X509_CRL() failed (SSL: error:0480006C:PEM routines::no start line:Expecting: X509 CRL)`,
		"/bad":  `cannot load CRL "/bad": PEM_read_bio_X509_CRL() failed (SSL: error:068000A8:asn1 encoding routines::wrong tag error:0688010A:asn1 encoding routines::nested asn1 error:Type=X509_CRL error:0488000D:PEM routines::ASN1 lib:`,
	} {
		_, err := m.files().RevocationLists(path)
		checkSentence(t, path, err, want)
	}
}

// TestRevocationListVersion1 checks that a list without a number of its version revokes certificates.
func TestRevocationListVersion1(t *testing.T) {
	ca := makeCert(t, nil, testcert.ECKey(t), authority)
	revoked, good := makeCert(t, ca, testcert.ECKey(t)), makeCert(t, ca, testcert.ECKey(t))
	for name, signer := range map[string]*made{"": ca, "another key": revoked} {
		m := memory{"/list": block("X509 CRL", version1(t, revocationList(t, ca, revoked), signer.key))}
		lists, err := m.files().RevocationLists("/list")
		if err != nil {
			t.Fatal(err)
		}
		store := certverify.NewStore([]*x509.Certificate{ca.cert}, lists)
		for c, want := range map[*made]certverify.Code{revoked: certverify.Revoked, good: certverify.OK} {
			if name != "" {
				want = certverify.BadCRLSignature
			}
			got := store.Verify([]*x509.Certificate{c.cert}, certverify.Options{Depth: 1, Time: time.Now(), ReturnFirst: true})
			if got != want {
				t.Errorf("%s: got %v, want %v", name, got, want)
			}
		}
	}
}

// version1 returns the list in version 1, signed with the key.
func version1(t *testing.T, l *x509.RevocationList, key crypto.Signer) []byte {
	t.Helper()
	var parts struct{ Signed, Algorithm, Signature asn1.RawValue }
	var fields []asn1.RawValue
	if _, err := asn1.Unmarshal(l.Raw, &parts); err != nil {
		t.Fatal(err)
	}
	if _, err := asn1.Unmarshal(parts.Signed.FullBytes, &fields); err != nil {
		t.Fatal(err)
	}
	signed, err := asn1.Marshal(fields[1 : len(fields)-1]) // without the version and the extensions
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(signed)
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	der, err := asn1.Marshal(struct {
		Signed, Algorithm asn1.RawValue
		Signature         asn1.BitString
	}{asn1.RawValue{FullBytes: signed}, parts.Algorithm, asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func revocationList(t testing.TB, ca *made, revoked ...*made) *x509.RevocationList {
	t.Helper()
	template := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: time.Now().Add(-time.Minute), NextUpdate: time.Now().Add(time.Hour)}
	for _, r := range revoked {
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries,
			x509.RevocationListEntry{SerialNumber: r.cert.SerialNumber, RevocationTime: time.Now()})
	}
	der, err := x509.CreateRevocationList(rand.Reader, template, ca.cert, ca.key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := x509.ParseRevocationList(der)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestTicketKeyFiles(t *testing.T) {
	m := memory{"/48": strings.Repeat("a", 48), "/80": strings.Repeat("b", 80), "/50": strings.Repeat("c", 50)}
	for _, path := range []string{"/48", "/80"} {
		if key, err := m.files().TicketKey(path); err != nil || string(key.name[:]) != m[path][:16] || string(key.secret) != m[path][16:] {
			t.Errorf("%s: got %v and %v", path, key, err)
		}
	}
	for path, want := range map[string]string{
		"/50": `"/50" must be 48 or 80 bytes`, "/directory": `"/directory" must be 48 or 80 bytes`, "/none": `open() "/none" failed (2: No such file or directory)`,
	} {
		_, err := m.files().TicketKey(path)
		checkPlaced(t, path, err, want)
	}
}

func TestValuesThatAreFiles(t *testing.T) {
	for value, want := range map[string][2]bool{"a.pem": {true, true}, "data:x": {false, false}, "engine:a:b": {true, false}, "store:a": {true, false}} {
		if got := [2]bool{IsCertificateFile(value), IsKeyFile(value)}; got != want {
			t.Errorf("%s: got %v, want %v", value, got, want)
		}
	}
}

func FuzzPEM(f *testing.F) {
	for _, text := range []string{"", "-----BEGIN A-----\nAAAA\n-----END A-----\n", "-----BEGIN A-----\n", "x-----BEGIN A\n-----BEGIN B-----\r\n-----END B-----"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for rest := text; ; {
			b, after, err := nextBlock(rest)
			if b == nil || err != nil {
				break
			}
			if len(after) >= len(rest) {
				t.Fatalf("%q: no progress", rest)
			}
			rest = after
		}
		_, _ = decodeKey(text, []string{"a"})
		_, _, _ = firstCertificate(text)
	})
}

func TestDHParameters(t *testing.T) {
	m := memory{"/dh": block("DH PARAMETERS", []byte{0x30, 0}), "/garbage": "x"}
	for path, want := range map[string]string{
		"/dh":      "",
		"/none":    `BIO_new_file("/none") failed (SSL: error:80000002:system library::No such file or directory:calling fopen(/none, r) error:10000080:BIO routines::no such file)`,
		"/garbage": `PEM_read_bio_DHparams("/garbage") failed (SSL: error:0480006C:PEM routines::no start line:Expecting: DH PARAMETERS)`,
	} {
		checkSentence(t, path, m.files().CheckDHParameters(path), want)
	}
}

func TestStaple(t *testing.T) {
	const response = "0\x03\n\x01\x01"
	files := memory{"/good": response + "rest", "/empty": "", "/cut": "0\x05\n\x01\x01", "/number": "0\x03\x02\x01\x01", "/none": "0\x00"}.files()
	if got, err := files.Staple("/good"); string(got) != response || err != nil {
		t.Errorf("got %q and %v, want the response without the rest", got, err)
	}
	const wrongTag = `(SSL: error:068000A8:asn1 encoding routines::wrong tag error:0688010A:asn1 encoding routines::nested asn1 error error:0688010A:asn1 encoding routines::nested asn1 error:Field=responseStatus, Type=OCSP_RESPONSE)`
	for name, want := range map[string]string{
		"/missing": `BIO_new_file("/missing") failed (SSL: error:80000002:system library::No such file or directory:calling fopen(/missing, rb) error:10000080:BIO routines::no such file)`,
		"/empty":   `d2i_OCSP_RESPONSE_bio("/empty") failed`,
		"/cut":     `d2i_OCSP_RESPONSE_bio("/cut") failed (SSL: error:0680008E:asn1 encoding routines::not enough data)`,
		"/number":  `d2i_OCSP_RESPONSE_bio("/number") failed ` + wrongTag,
		"/none":    `d2i_OCSP_RESPONSE_bio("/none") failed ` + wrongTag,
	} {
		_, err := files.Staple(name)
		checkSentence(t, name, err, want)
	}
}
