package diag

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

func TestDiagnosticNamesItsPlace(t *testing.T) {
	for _, row := range []struct {
		name string
		d    Diagnostic
		want string
	}{
		{"in a file", Diagnostic{Pos: Position{"/f", 3, 7}, Line: 4, Message: "bad"}, "bad in /f:4"},
		{"in -g", Diagnostic{Pos: Position{"", 1, 1}, Line: 1, Message: "bad"}, "bad in command line"},
		{"long", Diagnostic{Pos: Position{"/f", 3, 7}, Line: 4, Message: strings.Repeat("x", 1025)}, strings.Repeat("x", 1024) + " in /f:4"},
		{"nowhere", Diagnostic{Message: "bad", NoPlace: true}, "bad"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := row.d.Error(); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}

func TestPositionString(t *testing.T) {
	for pos, want := range map[Position]string{
		{"/f", 3, 7}: "/f:3:7",
		{"", 1, 1}:   "command line",
	} {
		if got := pos.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if !(Position{}).IsZero() || (Position{Line: 1}).IsZero() {
		t.Error("a position is zero if and only if it names no place")
	}
}

func TestListStopsAtFirstThatRefuses(t *testing.T) {
	warn := Diagnostic{Severity: Warn, Message: "warning", NoPlace: true}
	crit := Diagnostic{Severity: Crit, Message: "critical", NoPlace: true}
	emerg := Diagnostic{Severity: Emerg, Message: "emergency", NoPlace: true}
	for _, row := range []struct {
		name string
		list List
		want string
	}{
		{"empty", nil, ""},
		{"warnings", List{warn, warn}, ""},
		{"after a warning", List{warn, emerg, crit}, "emergency"},
		{"critical", List{crit, emerg}, "critical"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := ""
			if err := row.list.Err(); err != nil {
				got = err.Error()
			}
			if got != row.want || row.list.HasEmerg() != (row.want != "") {
				t.Errorf("got %q, %v, want %q", got, row.list.HasEmerg(), row.want)
			}
		})
	}
}

func TestSeverityString(t *testing.T) {
	for s, want := range map[Severity]string{Warn: "warn", Crit: "crit", Emerg: "emerg"} {
		if got := s.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestCause(t *testing.T) {
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"number", syscall.EADDRINUSE, "98: Address already in use"},
		{"wrapped", &fs.PathError{Op: "open", Path: "/f", Err: syscall.EACCES}, "13: Permission denied"},
		{"not there", fmt.Errorf("x: %w", fs.ErrNotExist), "2: No such file or directory"},
		{"not allowed", fs.ErrPermission, "13: Permission denied"},
		{"other", errors.New("other"), "other"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Cause(row.err); got != row.want {
				t.Errorf("got %q, want %q", got, row.want)
			}
		})
	}
}
