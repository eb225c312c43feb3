package reliability

import "os"

// write writes a file in place.
func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.Path(name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

// replace replaces a file in one step.
func (s *site) replace(name, text string) {
	s.t.Helper()
	s.write(name+".new", text)
	if err := os.Rename(s.Path(name+".new"), s.Path(name)); err != nil {
		s.t.Fatal(err)
	}
}
