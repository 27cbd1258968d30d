package rocketsim

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Integration is an outgoing webhook (Rocket.Chat: core-typings IOutgoingIntegration). The administrator's page and
// integrations.create make the same.
type Integration struct {
	ID       string // default a random id
	Name     string // default "relay"
	Username string // who answers of the webhook are posted as; default rocket.cat
	// Event is sendMessage (the default), fileUploaded, roomCreated, roomArchived, roomJoined, roomLeft or userCreated. There is
	// none for edits, deletions and reactions.
	Event string
	// Channel says which rooms fire it: "#name" or "#id", "@username" or "@id" for a person's direct rooms, all_public_channels,
	// all_private_groups, all_direct_messages; empty means all_public_channels.
	Channel []string
	URLs    []string // each is called for every event; required
	Token   string   // goes into every body; default a random one

	TriggerWords        []string // a text must begin with one of them, by bytes; empty = any text
	TriggerWordAnywhere bool     // they may stand anywhere in the text
	RunOnEdits          bool     // an edit fires it, too, and is not told from a new message but by isEdited

	RetryFailedCalls bool
	RetryCount       int    // attempts after the first; default 4
	RetryDelay       string // powers-of-ten (the default), powers-of-two or increments-of-two

	TargetRoom           string // where answers go that name no channel; default the room of the message
	Alias, Avatar, Emoji string // how answers look that do not say so
	ImpersonateUser      bool   // answers are posted as the author of the message
	Disabled             bool   // calls nobody; an answer 410 makes it so
}

// anywhere tells whether an event has no room that Channel could choose by (Rocket.Chat: app/integrations/lib/outgoingEvents.ts).
func anywhere(event string) bool {
	return event == "roomArchived" || event == "roomCreated" || event == "userCreated"
}

// AddIntegration starts to call an outgoing webhook for what is committed from now on, and returns it with its defaults. It fails
// without a usable URL, for an unknown event, delay, user or room, and when the id is taken.
func (s *Server) AddIntegration(made Integration) (Integration, error) {
	if err := made.validate(); err != nil {
		return Integration{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kept(made.ID) != nil {
		return Integration{}, fmt.Errorf("rocketsim: the integration id %s is taken", made.ID)
	}
	kept, err := s.addIntegration(integration{
		ID: made.ID, Name: cmp.Or(made.Name, "relay"), Username: cmp.Or(made.Username, "rocket.cat"), Enabled: !made.Disabled,
		Event: cmp.Or(made.Event, "sendMessage"), Channel: slices.Clone(made.Channel), URLs: slices.Clone(made.URLs),
		Token: made.Token, TriggerWords: slices.Clone(made.TriggerWords), TriggerWordAnyWhere: made.TriggerWordAnywhere,
		RunOnEdits: made.RunOnEdits, RetryFailedCalls: made.RetryFailedCalls, RetryCount: made.RetryCount,
		RetryDelay: made.RetryDelay, TargetRoom: made.TargetRoom, Alias: made.Alias, Avatar: made.Avatar, Emoji: made.Emoji,
		ImpersonateUser: made.ImpersonateUser, CreatedBy: userRef{ID: "rocket.cat", Username: "rocket.cat"},
	})
	if err != nil {
		return Integration{}, err
	}
	return kept.public(), nil
}

// validate checks what integrations.create does not.
func (made *Integration) validate() error {
	if !slices.Contains([]string{"", powersOfTen, powersOfTwo, incrementsOfTwo}, made.RetryDelay) {
		return fmt.Errorf("rocketsim: integration %s: there is no retry delay %q", made.Name, made.RetryDelay)
	}
	for _, at := range made.URLs {
		target, err := url.Parse(at)
		if err != nil {
			return fmt.Errorf("rocketsim: integration %s: %w", made.Name, err)
		}
		if target.Scheme != "http" && target.Scheme != "https" || target.Host == "" {
			return fmt.Errorf("rocketsim: integration %s: URL is not an absolute http address", made.Name)
		}
	}
	return nil
}

// public is an integration as the Go methods show it.
func (in *integration) public() Integration {
	return Integration{
		ID: in.ID, Name: in.Name, Username: in.Username, Event: in.Event, Channel: slices.Clone(in.Channel),
		URLs: slices.Clone(in.URLs), Token: in.Token, TriggerWords: slices.Clone(in.TriggerWords),
		TriggerWordAnywhere: in.TriggerWordAnyWhere, RunOnEdits: in.RunOnEdits, RetryFailedCalls: in.RetryFailedCalls,
		RetryCount: in.RetryCount, RetryDelay: in.RetryDelay, TargetRoom: in.TargetRoom, Alias: in.Alias, Avatar: in.Avatar,
		Emoji: in.Emoji, ImpersonateUser: in.ImpersonateUser, Disabled: !in.Enabled,
	}
}

// Integrations returns the outgoing webhooks, oldest first, also those made through REST.
func (s *Server) Integrations() []Integration {
	var out []Integration
	for _, in := range s.outgoing() {
		out = append(out, in.public())
	}
	return out
}

// EnableIntegration turns an outgoing webhook on or off, as an administrator would after an answer 410 has turned it off. What is on
// its way to one that is off is not delivered. An unknown id is an error.
func (s *Server) EnableIntegration(id string, on bool) error {
	if !s.changeIntegration(id, func(in *integration) { in.Enabled = on }) {
		return fmt.Errorf("rocketsim: there is no integration %s", id)
	}
	return nil
}

// kept finds an integration; nil when there is none. The caller holds s.mu.
func (s *Server) kept(id string) *integration {
	i := slices.IndexFunc(s.integrations, func(in *integration) bool { return in.ID == id })
	if i < 0 {
		return nil
	}
	return s.integrations[i]
}

// covers tells whether a room fires an integration, for a message of sender; nobody sent what is not a message.
func (in *integration) covers(r *firedRoom, sender string) bool {
	channels := in.Channel
	if len(channels) == 0 {
		channels = []string{"all_public_channels"}
	}
	return slices.ContainsFunc(channels, func(entry string) bool {
		entry = strings.TrimSpace(entry)
		if name, ok := strings.CutPrefix(entry, "#"); ok {
			return r.Type != Direct && (name == r.ID || name == r.Name)
		}
		if name, ok := strings.CutPrefix(entry, "@"); ok {
			return r.Type == Direct && slices.ContainsFunc(r.members, func(u userRef) bool {
				return name == u.ID || name == u.Username && name != sender
			})
		}
		switch r.Type {
		case Channel:
			return entry == "all_public_channels"
		case Direct:
			return entry == "all_direct_messages"
		default:
			return entry == "all_private_groups"
		}
	})
}

// word finds the trigger word that a text has; ok when there is one, or when the integration wants none.
func (in *integration) word(text string) (word string, ok bool) {
	if len(in.TriggerWords) == 0 {
		return "", true
	}
	for _, word := range in.TriggerWords {
		if strings.HasPrefix(text, word) || in.TriggerWordAnyWhere && strings.Contains(text, word) {
			return word, true
		}
	}
	return "", false
}
