package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/natsd"
)

// remembers is what the roles keep in buckets, and who takes leases.
func remembers() map[string]struct {
	states []bus.StateName
	leases bool
} {
	type kept = struct {
		states []bus.StateName
		leases bool
	}
	return map[string]kept{
		"ingest":  {[]bus.StateName{bus.Cursors}, true},
		"deliver": {[]bus.StateName{bus.Ledger, bus.Cursors}, false},
		"bots":    {[]bus.StateName{bus.BotState, bus.Links}, true},
	}
}

// remember opens a bus and does with a role's buckets and leases all that can be done. It ends with what it was denied first.
func (r role) remember(t *testing.T, name string) error {
	t.Helper()
	ctx, cancel := context.WithCancelCause(bustest.Context(t))
	defer cancel(nil)
	go func() {
		select {
		case d := <-r.denied:
			cancel(errors.New(d))
		case <-ctx.Done():
		}
	}()
	err := r.useState(ctx, name)
	if err == nil {
		err = r.conn.Flush() // what was denied of late has come now
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	select {
	case d := <-r.denied:
		return errors.New(d)
	default:
		return err
	}
}

func (r role) useState(ctx context.Context, name string) error {
	b, err := bus.Open(ctx, bus.Config{Conn: r.conn})
	if err != nil {
		return err
	}
	for _, state := range remembers()[name].states {
		s, err := b.State(ctx, state)
		if err != nil {
			return err
		}
		if err := writeAndRead(ctx, s, name); err != nil {
			return err
		}
	}
	if !remembers()[name].leases {
		return nil
	}
	if err := handOver(ctx, b, name); err != nil {
		return err
	}
	return r.unwatched(ctx)
}

// unwatched waits until nobody watches the leases any more: a watch is ended in the background.
func (r role) unwatched(ctx context.Context) error {
	js, err := jetstream.New(r.conn)
	if err != nil {
		return err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		s, err := js.Stream(ctx, "KV_RELAY_LEASES")
		if err != nil || s.CachedInfo().State.Consumers == 0 {
			return err
		}
		<-tick.C
	}
}

func writeAndRead(ctx context.Context, s *bus.State, key string) error {
	if _, err := s.Put(ctx, key, []byte("1"), time.Hour); err != nil {
		return err
	}
	revision, err := s.Edit(ctx, key, func(old []byte) ([]byte, error) { return append(old, '2'), nil })
	if err != nil {
		return err
	}
	if v, err := s.Get(ctx, key); err != nil || string(v.Data) != "12" {
		return fmt.Errorf("read %q: %w", v.Data, err)
	}
	return s.Delete(ctx, key, revision)
}

// handOver has one holder hand a lease over to another that waits for it.
func handOver(ctx context.Context, b *bus.Bus, name string) error {
	cfg := bus.LeaseConfig{Name: name, Holder: "h", TTL: 2 * bustest.Patience}
	first, err := b.Lease(cfg)
	if err != nil {
		return err
	}
	second, err := b.Lease(cfg)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	err = first.Run(ctx, func(context.Context, uint64) error {
		go func() { ended <- second.Run(ctx, func(context.Context, uint64) error { return nil }) }()
		return nil
	})
	if err != nil {
		return err
	}
	return <-ended
}

// Each role can keep what it has to keep. Whatever line of its list that speaks of buckets is left out, it cannot.
func TestRolesNeedTheirPermissionsOnState(t *testing.T) {
	users := roleUsers(t)
	type without struct{ user, role, line string }
	var cases []without
	for _, u := range slices.Clone(users) {
		if u.Name == "operator" {
			continue
		}
		for i, line := range u.Publish {
			if !strings.Contains(line, "KV_RELAY_") && !strings.HasPrefix(line, "$KV.") || strings.Contains(line, "RELAY_PROGRESS") {
				continue // TestEveryRoleWorksWithItsPermissions needs those of the progress records
			}
			less := u
			less.Name = fmt.Sprint(u.Name, "-", i)
			less.Publish = slices.Delete(slices.Clone(u.Publish), i, i+1)
			users = append(users, less)
			cases = append(cases, without{less.Name, u.Name, line})
		}
	}
	srv := bustest.Start(t, natsd.Config{Users: users})
	login(t, srv, "operator").open(t)
	for name := range remembers() {
		if err := login(t, srv, name).remember(t, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(cases) < 20 {
		t.Errorf("only %d lines of the page speak of buckets", len(cases))
	}
	for _, c := range cases {
		t.Run(c.role+" without "+c.line, func(t *testing.T) {
			prefix := strings.NewReplacer(">", "", "*", "").Replace(c.line)
			if err := loginAs(t, srv, c.user, c.role).remember(t, c.role); err == nil || !strings.Contains(err.Error(), prefix) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}
