package sim

import (
	"maps"
	"slices"
)

// wireBot has the stored password in clear, as the platform's answers do.
type wireBot struct {
	UID        string `json:"uid"`
	WebhookURL string `json:"webhookURL"`
	Groups     string `json:"groupChatSetting"`
	BasicAuth  bool   `json:"useBasicAuth"`
	Username   string `json:"username,omitempty"`
	Password   string `json:"password,omitempty"`
	Enabled    bool   `json:"enabled"`
	CreatedAt  int64  `json:"createdAt"`
}

func (b *Bot) wire() wireBot {
	return wireBot{
		UID: b.UID, WebhookURL: b.URL, Groups: b.Groups, BasicAuth: b.Username != "", Username: b.Username, Password: b.Password,
		Enabled: b.Enabled, CreatedAt: seconds(b.createdAt),
	}
}

// botBody is what POST and PUT take; what is nil stays as it is.
type botBody struct {
	UID        string  `json:"uid"`
	WebhookURL *string `json:"webhookURL"`
	Groups     *string `json:"groupChatSetting"`
	BasicAuth  *bool   `json:"useBasicAuth"`
	Username   *string `json:"username"`
	Password   *string `json:"password"`
	Enabled    *bool   `json:"enabled"`
}

func (body botBody) apply(b *Bot) error {
	for into, from := range map[*string]*string{
		&b.URL: body.WebhookURL, &b.Groups: body.Groups, &b.Username: body.Username, &b.Password: body.Password,
	} {
		if from != nil {
			*into = *from
		}
	}
	if body.BasicAuth != nil && !*body.BasicAuth {
		b.Username, b.Password = "", ""
	}
	if body.Enabled != nil {
		b.Enabled = *body.Enabled
	}
	if b.URL == "" {
		return required("webhookURL")
	}
	return b.check()
}

// POST /bots.
func (s *CometChat) createBot(c *call) (answer, error) {
	var body botBody
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	if body.UID == "" {
		return answer{}, required("uid")
	}
	b := Bot{UID: body.UID}
	if err := body.apply(&b); err != nil {
		return answer{}, err
	}
	made, err := s.addBot(b)
	if err != nil {
		return answer{}, err
	}
	return answer{Data: made.wire()}, nil
}

// GET /bots.
func (s *CometChat) listBots(c *call) (answer, error) {
	l, err := parseListing(c.r.URL.Query(), listing{size: defaultPerPage})
	if err != nil {
		return answer{}, err
	}
	all := []wireBot{}
	for _, uid := range slices.Sorted(maps.Keys(s.bots)) {
		all = append(all, s.bots[uid].wire())
	}
	rows := pageOf(all, l)
	return answer{Data: rows, Meta: pageMeta{Pagination: newPagination(len(rows), l, len(all))}}, nil
}

// GET /bots/{uid}.
func (s *CometChat) getBot(c *call) (answer, error) {
	b, err := s.bot(c.path("uid"))
	if err != nil {
		return answer{}, err
	}
	return answer{Data: b.wire()}, nil
}

// PUT /bots/{uid}.
func (s *CometChat) updateBot(c *call) (answer, error) {
	b, err := s.bot(c.path("uid"))
	if err != nil {
		return answer{}, err
	}
	var body botBody
	if err := c.decode(&body); err != nil {
		return answer{}, err
	}
	changed := *b
	if err := body.apply(&changed); err != nil {
		return answer{}, err
	}
	*b = changed
	return answer{Data: b.wire()}, nil
}

// DELETE /bots/{uid}; the user stays.
func (s *CometChat) deleteBot(c *call) (answer, error) {
	b, err := s.bot(c.path("uid"))
	if err != nil {
		return answer{}, err
	}
	delete(s.bots, b.UID)
	return done("Bot with UID %s has been deleted successfully.", b.UID), nil
}
