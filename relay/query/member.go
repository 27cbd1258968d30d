package query

import (
	"context"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// How long an answer about a membership counts, and how many are remembered.
const (
	memberTTL  = time.Minute
	absentTTL  = 10 * time.Second
	maxMembers = 10_000
)

// Member tells whether a user belongs to a conversation. Like the other answers, it comes from memory or from the platform, and
// its error is a [bus.Refusal] where the platform has refused to answer.
func (d *Desk) Member(ctx context.Context, q event.MembershipQuery) (bool, error) {
	p, err := platform(d.cfg.Members, q.Connection)
	if err != nil {
		return false, err
	}
	yes, err := d.members.ask(ctx, q, func(ctx context.Context, q event.MembershipQuery) (bool, time.Duration, error) {
		yes, err := p.Member(ctx, q)
		if yes {
			return yes, memberTTL, err
		}
		return yes, absentTTL, err
	})
	if err != nil {
		return false, refused("member of "+string(q.Conversation), err, relay.RootGone)
	}
	return yes, nil
}
