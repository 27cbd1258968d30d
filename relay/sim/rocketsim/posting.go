package rocketsim

import "errors"

// posting is a message on its way in.
type posting struct {
	by   *user          // who posts
	room *room          // where; a reply goes to its thread's room in any case
	doc  map[string]any // the message as it came, with JSON's types: msg, tmid, alias, attachments, … and keys that nobody knows
	bot  map[string]any // {"i": integration id} for what a webhook posts; a "bot" key in doc is kept as it came besides
	at   string         // id that the message gets; empty chooses one
}

// send commits a message as the server's function sendMessage does and tells it to watchers. It takes s.mu; post is the same for
// callers who hold it. A refusal is an *[Error].
func (s *Server) send(p posting) (*message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.post(p)
}

func (s *Server) post(p posting) (*message, error) {
	if s.closed {
		return nil, ErrClosed
	}
	return nil, errors.New("rocketsim: posting is not open yet")
}
