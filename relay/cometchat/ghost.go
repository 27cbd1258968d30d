package cometchat

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// maxGhosts bounds the users of whom it is remembered how they look; some 2 MB.
const maxGhosts = 10_000

// ghosts remembers the users of our making that are as a bot wants them. The zero value is empty and ready.
type ghosts struct {
	// calls are those under way.
	calls singleflight.Group

	mu    sync.Mutex
	known map[string]event.Identity
}

func (g *ghosts) is(uid string, as event.Identity) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	known, ok := g.known[uid]
	return ok && known == as
}

func (g *ghosts) put(uid string, as event.Identity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known == nil {
		g.known = make(map[string]event.Identity)
	}
	for other := range g.known { // whichever: one that is wanted again costs a look-up
		if len(g.known) < maxGhosts {
			break
		}
		delete(g.known, other)
	}
	g.known[uid] = as
}

func (g *ghosts) forget(uid string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.known, uid)
}

// embody sees to it that the action's user exists and is shown as its identity says. Concurrent wishes for the same are one
// call; whoever waits may give up alone.
func (s *sending) embody(ctx context.Context) error {
	if s.a.Identity == nil || s.c.ghosts.is(s.as, *s.a.Identity) {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	want, uid := *s.a.Identity, s.as
	made := s.c.ghosts.calls.DoChan(fmt.Sprintf("%q", []string{uid, want.Name, want.Avatar}), func() (any, error) {
		if s.c.ghosts.is(uid, want) { // since the look above
			return nil, nil
		}
		err := s.c.makeGhost(context.WithoutCancel(ctx), uid, want)
		if err == nil {
			s.c.ghosts.put(uid, want)
		}
		return nil, err
	})
	select {
	case <-ctx.Done():
		return ctx.Err()
	case r := <-made:
		if r.Err != nil {
			return failure(fmt.Errorf("cometchat: send %s: user %q: %w", s.a.ID, uid, r.Err), false)
		}
		return nil
	}
}

// makeGhost makes a user or brings it up to date.
func (c *Connection) makeGhost(ctx context.Context, uid string, want event.Identity) error {
	name := want.Name
	if name == "" {
		name = uid // which the platform demands
	}
	u, err := c.client.User(ctx, uid)
	if isNoUser(err) {
		if _, err = c.client.CreateUser(ctx, UserDraft{UID: uid, Name: name, Avatar: want.Avatar}); err == nil {
			return nil
		}
		refused := err
		if u, err = c.client.User(ctx, uid); err != nil { // else somebody else was quicker
			return fmt.Errorf("make it: %w", refused)
		}
	}
	if err != nil {
		return fmt.Errorf("look it up: %w", err)
	}
	if u.Name == name && (want.Avatar == "" || u.Avatar == want.Avatar) {
		return nil
	}
	if _, err := c.client.UpdateUser(ctx, uid, UserDraft{Name: name, Avatar: want.Avatar}); err != nil {
		return fmt.Errorf("bring it up to date: %w", err)
	}
	return nil
}

// mend sees to what a user of our making lacks, by the platform's refusal. It returns false if it is nothing of that kind.
func (s *sending) mend(ctx context.Context, code string) (bool, error) {
	switch {
	case s.kind == "group" && (isNotMember(code) || code == "ERR_MESSAGE_NO_ACCESS"):
		return true, s.join(ctx)
	case code == "ERR_UID_NOT_FOUND" && s.c.ghosts.is(s.as, *s.a.Identity): // it was there, and has gone since
		s.c.ghosts.forget(s.as)
		return true, s.embody(ctx)
	}
	return false, nil
}

// join takes the action's user into the group, in the app's name.
func (s *sending) join(ctx context.Context) error {
	refused, err := s.c.client.AddMembers(ctx, s.receiver, NewMembers{Participants: []string{s.as}})
	if err == nil && refused[s.as] != nil {
		err = refused[s.as]
	}
	if err == nil {
		return nil
	}
	f := failure(fmt.Errorf("cometchat: send %s: take %q into the group %q: %w", s.a.ID, s.as, s.receiver, err), false)
	if f.Kind == relay.Rejected {
		f.Kind = relay.Denied
	}
	return f
}

// isNoUser reports the refusal of a user that does not exist, or was deactivated.
func isNoUser(err error) bool {
	var refused *APIError
	return errors.As(err, &refused) && (refused.Code == "ERR_UID_NOT_FOUND" || refused.Code == "" && refused.Status == http.StatusNotFound)
}
