package cometchat

import "io"

// squeezed leaves one character of each run of white space between the tokens of a JSON text. [json.Decoder] looks at all of a
// run again whenever more of it arrives, so that a long one would take the square of its length.
type squeezed struct {
	r io.Reader
	// text and escaped say whether a string is being read, and whether its next character is escaped; space whether white space is.
	text, escaped, space bool
}

// Read reads what is left.
func (s *squeezed) Read(p []byte) (int, error) {
	for {
		n, err := s.r.Read(p)
		kept := s.squeeze(p[:n])
		if kept > 0 || err != nil || n == 0 {
			return kept, err
		}
	}
}

// squeeze moves what is left to the front, and returns how much that is.
func (s *squeezed) squeeze(p []byte) int {
	kept := 0
	for _, c := range p {
		if s.drops(c) {
			continue
		}
		p[kept] = c
		kept++
	}
	return kept
}

// drops reads a character and reports whether it is left out.
func (s *squeezed) drops(c byte) bool {
	switch {
	case s.escaped:
		s.escaped = false
	case s.text:
		s.escaped, s.text = c == '\\', c != '"'
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		again := s.space
		s.space = true
		return again
	default:
		s.text, s.space = c == '"', false
	}
	return false
}
