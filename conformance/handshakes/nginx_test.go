package handshakes

import (
	"strings"
	"testing"

	"weir/conformance/installed"
	"weir/conformance/nginx"
	"weir/conformance/ports"
	"weir/conformance/program"
)

// compared is the number of hostile clients of which the lines are compared.
const compared = 200

// malformed are errors of OpenSSL for a ClientHello that cannot be parsed, and for what follows one.
// Go has one error for all of them.
var malformed = []string{
	"bad extension", "length mismatch", "length too short", "bad ecpoint", "bad key share", "excessive message size", "unexpected message",
	"callback failed", "bad record type", "wrong version number", "not on record boundary", "record length mismatch", "bad change cipher spec",
}

// TestHostileHellosAgainstNginx compares the lines of weir with those of nginx.
// docs/differences.md describes the rest: first messages that are not a ClientHello.
func TestHostileHellosAgainstNginx(t *testing.T) {
	build := installed.Nginx(t)
	all := assaults(compared)
	ours, theirs := linesOf(t, weirBinary, "", all), linesOf(t, build.Path, build.Load(nginx.Stream), all)
	equal, similar := 0, 0
	for i, a := range all {
		switch {
		case ours[i] == theirs[i]:
			equal++
		case isMalformed(ours[i]) && isMalformed(theirs[i]):
			similar++
		default:
			t.Logf("% x (%d bytes, reset: %v)\n\tweir  %v\n\tnginx %v", a.bytes[:min(len(a.bytes), 40)], len(a.bytes), a.reset, ours[i], theirs[i])
		}
	}
	t.Logf("%d lines: %d equal, %d of a similar error", compared, equal, similar)
	if equal < compared*2/3 || equal+similar < compared*8/10 {
		t.Errorf("weir's lines differ from those of nginx too often")
	}
}

func isMalformed(f failure) bool {
	for _, words := range malformed {
		if strings.Contains(f.text, words) {
			return true
		}
	}
	return false
}

// linesOf returns the line of each hostile client, of a program and the directive that loads its stream module.
func linesOf(t *testing.T, path, load string, all []assault) []failure {
	t.Helper()
	dir, addr := t.TempDir(), ports.Reserve(t).String()
	s := program.Start(t, path, dir, load+streamConf(hostileConf(t, dir, addr)))
	from := attack(t, addr, all)
	s.Settled(t, 0)
	byPort := map[string]failure{}
	logged := failures(t, s)
	for _, m := range arrivedLine.FindAllStringSubmatch(s.Read(t, "error.log"), -1) {
		if lines := logged[m[1]]; len(lines) > 0 {
			byPort[m[2]] = lines[0]
		}
	}
	lines := make([]failure, len(all))
	for i := range lines {
		lines[i] = byPort[from[i]]
	}
	return lines
}
