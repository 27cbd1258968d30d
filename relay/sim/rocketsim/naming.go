package rocketsim

import (
	"regexp"
	"slices"
)

// patterns find what a text names (setting UTF8_User_Names_Validation).
type patterns struct{ mention, channel, link, code *regexp.Regexp }

func newPatterns() patterns {
	return patterns{
		mention: regexp.MustCompile(`(^|\s|>)@([0-9a-zA-Z\-_.]+)`),
		channel: regexp.MustCompile(`(^|\s|>)#([0-9a-zA-Z\-_.]+)`),
		link:    regexp.MustCompile(`https?://[^\s<>()|\]]+`),
		code:    regexp.MustCompile("(?s)```.*?```|`[^`\n]*`"),
	}
}

// read finds the people, rooms and links that a message's text names; in code nobody is named.
func (s *Server) read(by *user, m *message) {
	m.Mentions, m.Channels, m.URLs = nil, nil, nil
	prose := s.patterns.code.ReplaceAllString(m.Msg, " ")
	for _, found := range s.patterns.mention.FindAllStringSubmatch(prose, -1) {
		name := found[2]
		switch u := s.names[name]; {
		case (name == "all" || name == "here") && s.can(by, "mention-"+name):
			m.Mentions = append(m.Mentions, mention{ID: name, Username: name})
		case u != nil && !slices.ContainsFunc(m.Mentions, func(o mention) bool { return o.ID == u.ID }):
			m.Mentions = append(m.Mentions, mention{ID: u.ID, Username: u.Username, Name: u.Name, Type: "user"})
		}
	}
	for _, found := range s.patterns.channel.FindAllStringSubmatch(prose, -1) {
		if r := s.place(nil, "#"+found[2]); r != nil && r.Type != Direct {
			m.Channels = append(m.Channels, channelRef{ID: r.ID, Name: r.Name})
		}
	}
	for _, link := range s.patterns.link.FindAllString(m.Msg, -1) {
		m.URLs = append(m.URLs, map[string]any{"url": link, "meta": map[string]any{}})
	}
}
