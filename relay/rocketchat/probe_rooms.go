package rocketchat

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

// joined tells of the configured rooms, and of threads, which can be looked for in a room alone.
func (p *prober) joined(ctx context.Context) {
	rooms, err := p.client.Rooms(ctx, time.Time{})
	if err != nil {
		p.fault("rooms", advise("The rooms of the account could not be listed: %s (%v)", p.whatToDo(err), err))
		return
	}
	if len(p.c.rooms) == 0 && len(rooms) == 0 {
		p.fault("rooms", advise("The account has joined no room: invite it into those in which it is to answer."))
		return
	}
	for _, name := range p.c.rooms {
		p.room(ctx, name, rooms)
	}
	p.threads(ctx, rooms)
}

// room tells whether a configured room can be read and written.
func (p *prober) room(ctx context.Context, name string, joined []Room) {
	subject := "room " + name
	i := slices.IndexFunc(joined, func(r Room) bool { return r.goesBy(name) })
	if i >= 0 {
		switch r := joined[i]; {
		case r.Archived:
			p.fault(subject, advise("The room %s is archived, so that nothing can be said in it: unarchive it, or take it out of the configuration.", name))
		case r.ReadOnly:
			p.fine(subject, "it is read-only: saying something in it takes a permission to post there")
		default:
			p.fine(subject, "")
		}
		return
	}
	if strings.HasPrefix(name, "@") {
		p.fine(subject, "there is no direct room with this user yet: one is made when it is needed")
		return
	}
	_, err := p.client.Room(ctx, name)
	refused := refusalOf(err)
	switch {
	case err == nil:
		p.fault(subject, advise("The account has not joined the room %s: invite it there.", name))
	case refused != nil && refused.Code == "error-room-not-found":
		p.fault(subject, advise("There is no room %s: correct the configuration; an id stands alone, and a name behind a #. (%v)", name, err))
	case refused != nil && verdict(refused) == relay.Denied:
		p.fault(subject, advise("The account may not see the room %s: invite it there. (%v)", name, err))
	default:
		p.fault(subject, advise("The room %s could not be looked up: %s (%v)", name, p.whatToDo(err), err))
	}
}

// goesBy reports whether a room is the one of an id, "#name" or "@username".
func (r *Room) goesBy(name string) bool {
	if bare, found := strings.CutPrefix(name, "#"); found {
		return r.Name == bare
	}
	if bare, found := strings.CutPrefix(name, "@"); found {
		return r.Kind == Direct && len(r.Usernames) <= 2 && slices.Contains(r.Usernames, bare)
	}
	return r.ID == name
}

// threads tells whether the workspace has threads. A room refuses the list of its threads if not.
func (p *prober) threads(ctx context.Context, joined []Room) {
	if len(joined) == 0 {
		return
	}
	_, err := p.client.ThreadsPage(ctx, joined[0].ID, Threads{Paging: Paging{Count: 1}})
	refused := refusalOf(err)
	switch {
	case err == nil:
		p.fine("threads", "enabled")
	case refused != nil && verdict(refused) == relay.Denied:
		p.fault("threads", advise("Threads are disabled: enable them under Administration, Workspace, Settings, Threads. (%v)", err))
	default:
		p.fault("threads", advise("Whether threads are enabled could not be found out: %s (%v)", p.whatToDo(err), err))
	}
}

func (p *prober) whatToDo(err error) string {
	if refused := refusalOf(err); refused != nil && verdict(refused) == relay.RateLimited {
		return "the rate limit is used up: try again in a minute."
	}
	return "try again."
}
