package authbasic

import (
	"strings"
	"sync"
	"testing"
)

func TestParseHeader(t *testing.T) {
	for text, want := range map[string]string{
		"Basic dTpw":      "u p",
		"basic   dTpw":    "u p",
		"Basic dTo=":      "u ",
		"Basic dTpwOnE=":  "u p:q",
		"Basic OnA=":      "refused",
		"Basic dXA=":      "refused",
		"Basic !":         "refused",
		"Basic":           "refused",
		"Bearer dTpw":     "refused",
		"":                "refused",
		"Basic dTpwx\x00": "refused",
	} {
		got := "refused"
		if user, password, ok := parseHeader(text); ok {
			got = user + " " + password
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

const usersFile = "# comment\n#u:x\nbroken\nu:hash:more\nu:second\nv:windows\r\nw:\nlast:end"

func TestFindUser(t *testing.T) {
	for user, want := range map[string]string{
		"u": "hash", "v": "windows", "w": "", "last": "end", "#u": "missing", "broken": "missing", "U": "missing", "": "missing",
	} {
		got := "missing"
		if hash, found := findUser(usersFile, user); found {
			got = hash
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", user, got, want)
		}
	}
}

// hashes are hashes of the password "secret", and others that are not supported.
var hashes = []struct {
	name, hash string
	supported  bool
}{
	{"plain", "{PLAIN}secret", true},
	{"sha", "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", true},
	{"md5", "$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1", true},
	{"bcrypt", "$2y$04$/j3gl5iJXop4LezaavfzQ.rR09UWObsf4Yt6vBZNog58DpIgZKUCq", true},
	{"bare", "secret", false},
	{"DES", "abJnggxhB/yWI", false},
	{"yescrypt", "$y$j9T$abcdefgh$0123456789012345678901234567890123456789012", false},
	{"empty", "", false},
	{"broken SHA-2", "$6$rounds=x$", false},
	{"short", "$6$", false},
}

func TestMatches(t *testing.T) {
	c := NewCache()
	for _, h := range hashes {
		_, err := c.matches(h.hash, "wrong")
		if h.supported != (err == nil) {
			t.Errorf("%s: got the error %v", h.name, err)
		}
		if ok, _ := c.matches(h.hash, "wrong"); ok {
			t.Errorf("%s matches a wrong password", h.name)
		}
	}
	for _, h := range hashes {
		if ok, _ := c.matches(h.hash, "secret"); ok != h.supported {
			t.Errorf("%s matches: %v, want %v", h.name, ok, h.supported)
		}
	}
}

func TestRightPasswordIsRemembered(t *testing.T) {
	c := NewCache()
	const hash = "{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="
	if ok, _ := c.matches(hash, "secret"); !ok {
		t.Fatal("the password is refused")
	}
	for range maxChecks {
		c.turns <- struct{}{} // no more hashes can be computed
	}
	if ok, _ := c.matches(hash, "secret"); !ok {
		t.Error("the password is not remembered")
	}
}

func TestMemoryOfPasswordsIsLimited(t *testing.T) {
	c := NewCache()
	var wait sync.WaitGroup
	for i := range 3 * maxKnown {
		wait.Go(func() { c.remember(c.id("hash", strings.Repeat("x", i))) })
	}
	wait.Wait()
	if n := len(c.known); n > maxKnown {
		t.Errorf("%d passwords are remembered", n)
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add("Basic dTpw")
	f.Fuzz(func(t *testing.T, text string) {
		if user, _, ok := parseHeader(text); ok && (user == "" || strings.Contains(user, ":")) {
			t.Errorf("got the user %q", user)
		}
	})
}

func FuzzFindUser(f *testing.F) {
	f.Add(usersFile, "u")
	f.Fuzz(func(t *testing.T, content, user string) {
		hash, found := findUser(content, user)
		if found && (strings.ContainsAny(hash, ":\n") || !strings.Contains(content, user+":"+hash)) {
			t.Errorf("got %q for %q", hash, user)
		}
	})
}

func FuzzCompare(f *testing.F) {
	for _, h := range hashes {
		f.Add(h.hash)
	}
	f.Fuzz(func(t *testing.T, hash string) {
		if strings.HasPrefix(hash, "$2") || strings.Contains(hash, "rounds=") {
			t.Skip("may be slow by intent")
		}
		compare(hash, "secret")
	})
}
