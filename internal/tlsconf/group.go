package tlsconf

import (
	"crypto/tls"
	"fmt"
	"strings"
)

// A group is a way to agree on keys, with OpenSSL's names. The first name is the one in variables.
type group struct {
	id    uint16
	names []string
}

// groups are those of OpenSSL 3.0, and the hybrids of OpenSSL 3.5.
var groups = []group{
	{1, []string{"sect163k1", "K-163"}}, {2, []string{"sect163r1"}}, {3, []string{"sect163r2", "B-163"}}, {4, []string{"sect193r1"}},
	{5, []string{"sect193r2"}}, {6, []string{"sect233k1", "K-233"}}, {7, []string{"sect233r1", "B-233"}}, {8, []string{"sect239k1"}},
	{9, []string{"sect283k1", "K-283"}}, {10, []string{"sect283r1", "B-283"}}, {11, []string{"sect409k1", "K-409"}},
	{12, []string{"sect409r1", "B-409"}}, {13, []string{"sect571k1", "K-571"}}, {14, []string{"sect571r1", "B-571"}},
	{15, []string{"secp160k1"}}, {16, []string{"secp160r1"}}, {17, []string{"secp160r2"}}, {18, []string{"secp192k1"}},
	{19, []string{"prime192v1", "secp192r1", "P-192"}}, {20, []string{"secp224k1"}}, {21, []string{"secp224r1", "P-224"}},
	{22, []string{"secp256k1"}}, {23, []string{"prime256v1", "secp256r1", "P-256"}}, {24, []string{"secp384r1", "P-384"}},
	{25, []string{"secp521r1", "P-521"}}, {26, []string{"brainpoolP256r1"}}, {27, []string{"brainpoolP384r1"}},
	{28, []string{"brainpoolP512r1"}}, {29, []string{"X25519"}}, {30, []string{"X448"}},
	{256, []string{"ffdhe2048"}}, {257, []string{"ffdhe3072"}}, {258, []string{"ffdhe4096"}}, {259, []string{"ffdhe6144"}},
	{260, []string{"ffdhe8192"}},
	{uint16(tls.SecP256r1MLKEM768), []string{"SecP256r1MLKEM768"}}, {uint16(tls.X25519MLKEM768), []string{"X25519MLKEM768"}},
	{uint16(tls.SecP384r1MLKEM1024), []string{"SecP384r1MLKEM1024"}},
}

// goGroups are the groups that crypto/tls has.
var goGroups = map[uint16]bool{
	uint16(tls.CurveP256): true, uint16(tls.CurveP384): true, uint16(tls.CurveP521): true, uint16(tls.X25519): true,
	uint16(tls.X25519MLKEM768): true, uint16(tls.SecP256r1MLKEM768): true, uint16(tls.SecP384r1MLKEM1024): true,
}

var groupNames = func() map[uint16]string {
	names := map[uint16]string{}
	for _, g := range groups {
		names[g.id] = g.names[0]
	}
	return names
}()

// findGroup returns the group of a name, which OpenSSL compares without its case.
func findGroup(name string) (id uint16, ok bool) {
	for _, g := range groups {
		for _, n := range g.names {
			if strings.EqualFold(n, name) {
				return g.id, true
			}
		}
	}
	return 0, false
}

// AutoGroups is the value of ssl_ecdh_curve for the groups of the library.
const AutoGroups = "auto"

// parseGroups evaluates a list of groups, separated by colons, as SSL_CTX_set1_curves_list does. A
// question mark before a name allows it to be unknown, as in OpenSSL 3.3. missing are the names of
// groups that crypto/tls does not have. queued is OpenSSL's error.
func parseGroups(list string) (ids []tls.CurveID, missing []string, queued string, ok bool) {
	seen := map[uint16]bool{}
	for name := range strings.SplitSeq(list, ":") {
		name, optional := strings.CutPrefix(name, "?")
		id, known := findGroup(name)
		switch {
		case !known && optional:
			continue
		case !known && name == "":
			return nil, nil, "", false
		case !known:
			return nil, nil, fmt.Sprintf("error:0A080106:SSL routines::passed invalid argument:group '%s' cannot be set", name), false
		case seen[id]:
			return nil, nil, "", false
		}
		seen[id] = true
		if goGroups[id] {
			ids = append(ids, tls.CurveID(id))
		} else {
			missing = append(missing, name)
		}
	}
	return ids, missing, "", true
}

// GroupName returns the value of $ssl_curve; it is empty without a group.
func GroupName(id tls.CurveID) string {
	if id == 0 {
		return ""
	}
	if name := groupNames[uint16(id)]; name != "" {
		return name
	}
	return fmt.Sprintf("0x%04x", uint16(id))
}

// GroupNames returns the value of $ssl_curves.
func GroupNames(offered []tls.CurveID) string { return joined(offered, GroupName) }

// SignatureNumbers returns the value of $ssl_sigalgs, which are numbers as with OpenSSL before 4.0.
func SignatureNumbers(offered []tls.SignatureScheme) string {
	return joined(offered, func(s tls.SignatureScheme) string { return fmt.Sprintf("0x%04x", uint16(s)) })
}

func joined[T any](all []T, name func(T) string) string {
	names := make([]string, len(all))
	for i, v := range all {
		names[i] = name(v)
	}
	return strings.Join(names, ":")
}
