package cometchat

import (
	"context"
	"errors"
	"strconv"

	"github.com/threadrelay/threadrelay/relay"
)

// source tells whether a configured source can be read.
func (p *prober) source(ctx context.Context, name string) {
	subject := "source " + name
	s, err := p.c.source(name)
	if err != nil {
		p.fault(subject, advise("The %v.", err))
		return
	}
	switch {
	case s.uid != "":
		_, err = p.client.User(ctx, s.uid)
	case s.guid != "":
		err = p.member(ctx, s.guid)
	case s.root != 0:
		_, err = p.client.Message(ctx, strconv.FormatUint(s.root, 10))
	}
	if err != nil {
		p.fault(subject, p.unseen(s, err))
		return
	}
	p.fine(subject, "")
}

// errNoMember means that the bot is not in a group.
var errNoMember = errors.New("no member")

// member looks whether the bot is in a group, or without a bot, whether there is one.
func (p *prober) member(ctx context.Context, guid string) error {
	g, err := p.client.As(string(p.c.self)).Group(ctx, guid)
	var refused *APIError
	if errors.As(err, &refused) && (isNotMember(refused.Code) || refused.Code == "ERR_MESSAGE_NO_ACCESS") {
		return errNoMember
	}
	if err == nil && p.c.self != "" && g.HasJoined != nil && !*g.HasJoined {
		return errNoMember
	}
	return err
}

// unseen says why a source cannot be read.
func (p *prober) unseen(s source, err error) error {
	var refused *APIError
	switch {
	case errors.Is(err, errNoMember):
		return advise("The bot %q is no member of the group %q: add it in the dashboard, under the group's members.", p.c.self, s.guid)
	case !errors.As(err, &refused):
		return advise("It could not be looked up: try again. (%v)", err)
	case refused.Code == "ERR_GUID_NOT_FOUND":
		return advise("There is no group %q in app %q: create it, or correct the source. (%v)", s.guid, p.c.appID, err)
	case isNoUser(err) && s.uid != "":
		return advise("There is no user %q in app %q, or it was deactivated: correct the source. (%v)", s.uid, p.c.appID, err)
	case isNoMessage(refused.Code):
		return advise("There is no message %d, on which the thread would hang: correct the source. (%v)", s.root, err)
	case verdict(refused, false) == relay.RateLimited:
		return advise("The app's rate limit is used up: try again later. (%v)", err)
	}
	return advise("CometChat refuses to show it: see to what it says. (%v)", err)
}
