package cometchat

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// history reads all pages and returns the ids.
func history(t *testing.T, p relay.PageRequest, read func(relay.PageRequest) (relay.History, error)) []int {
	t.Helper()
	var got []int
	for range 1000 {
		h, err := read(p)
		must(t, err)
		if p.Limit > 0 && len(h.Messages) > p.Limit {
			t.Fatalf("%d messages, want at most %d", len(h.Messages), p.Limit)
		}
		for _, m := range h.Messages {
			id, err := strconv.Atoi(string(m.ID))
			must(t, err)
			got = append(got, id)
		}
		if p.Cursor = h.Next; h.Next == "" {
			return got
		}
	}
	t.Fatal("there is always more")
	return nil
}

func TestHistory(t *testing.T) {
	thread := event.ThreadRef{Connection: "cc", Conversation: "group/crew", Root: "1"}
	for kind, change := range kinds() {
		for _, limit := range []int{0, 1, 7, 100} {
			if limit == 1 && strings.Contains(kind, "inclusive") {
				continue // such a server has no page of one that gets on
			}
			f := newFakeList(t, upTo(60)...)
			change(f)
			c := f.connection()
			for _, oldest := range []bool{false, true} {
				want := upTo(60)
				if !oldest {
					slices.Reverse(want)
				}
				p := relay.PageRequest{Limit: limit, OldestFirst: oldest}
				got := history(t, p, func(p relay.PageRequest) (relay.History, error) { return c.Conversation(t.Context(), thread, p) })
				if !slices.Equal(got, want) {
					t.Fatalf("%s, %d a page, oldest first %t: %v", kind, limit, oldest, got)
				}
			}
		}
	}
}

func TestThreadHistory(t *testing.T) {
	s, conn := simulate(t, nil)
	root := say(t, s, sim.Say{From: "ana", ToGroup: "crew", Text: "root"})
	var want []int
	for i := range 25 {
		m := say(t, s, sim.Say{From: "zoe", Parent: root.ID, Text: fmt.Sprint("reply ", i)})
		say(t, s, sim.Say{From: "zoe", ToGroup: "crew", Text: "elsewhere"})
		id, err := strconv.Atoi(m.ID)
		must(t, err)
		want = append(want, id)
	}
	must(t, s.Delete("zoe", strconv.Itoa(want[3])))
	_, err := s.Edit("zoe", strconv.Itoa(want[4]), "changed")
	must(t, err)
	want = slices.Delete(want, 3, 4)
	rootID, err := strconv.Atoi(root.ID)
	must(t, err)
	want = slices.Insert(want, 0, rootID)
	thread := event.ThreadRef{Connection: "cc", Conversation: "group/crew", Root: event.MessageID(root.ID)}
	for _, limit := range []int{0, 1, 5, 25, 26, 1000} {
		for _, oldest := range []bool{true, false} {
			got := history(t, relay.PageRequest{Limit: limit, OldestFirst: oldest}, func(p relay.PageRequest) (relay.History, error) {
				return conn.Thread(t.Context(), thread, p)
			})
			if !oldest {
				slices.Reverse(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%d a page, oldest first %t: %v", limit, oldest, got)
			}
		}
	}
	h, err := conn.Thread(t.Context(), thread, relay.PageRequest{OldestFirst: true})
	must(t, err)
	if m := h.Messages[4]; m.Text != "changed" || m.Edited.IsZero() || m.Time.IsZero() || m.Thread != thread || m.Sender.Name != "Zoe" || m.Parent != event.MessageID(root.ID) {
		t.Errorf("%+v", m)
	}
}

func TestDirectHistory(t *testing.T) {
	s, conn := simulate(t, nil)
	say(t, s, sim.Say{From: "ana", ToUser: "helper", Text: "to the bot"})
	say(t, s, sim.Say{From: "ana", ToUser: "zoe", Text: "to zoe"})
	for conversation, want := range map[event.ConversationID]string{"user/ana": "to the bot", "users/ana+zoe": "to zoe"} {
		h, err := conn.Conversation(t.Context(), event.ThreadRef{Connection: "cc", Conversation: conversation}, relay.PageRequest{})
		if err != nil || len(h.Messages) != 1 || h.Messages[0].Text != want || h.Messages[0].Thread.Conversation != conversation {
			t.Errorf("%+v, %v", h, err)
		}
	}
	if u, err := conn.User(t.Context(), "ANA"); err != nil || u.ID != "ana" || u.Name != "Ana" {
		t.Errorf("%+v, %v", u, err)
	}
}

func TestReadFailures(t *testing.T) {
	_, conn := simulate(t, nil)
	nobody := newConnection(t, func(cfg *Config) { cfg.BotUID = "" })
	ref := func(conversation event.ConversationID, root event.MessageID) event.ThreadRef {
		return event.ThreadRef{Connection: "cc", Conversation: conversation, Root: root}
	}
	ctx := t.Context()
	for name, tt := range map[string]struct {
		err  error
		want relay.Kind
	}{
		"no root":          {only(conn.Thread(ctx, ref("group/crew", ""), relay.PageRequest{})), relay.Rejected},
		"root gone":        {only(conn.Thread(ctx, ref("group/crew", "999"), relay.PageRequest{})), relay.RootGone},
		"root gone, first": {only(conn.Thread(ctx, ref("group/crew", "999"), relay.PageRequest{OldestFirst: true})), relay.RootGone},
		"no cursor":        {only(conn.Conversation(ctx, ref("group/crew", ""), relay.PageRequest{Cursor: "x"})), relay.Rejected},
		"no group":         {only(conn.Conversation(ctx, ref("group/none", ""), relay.PageRequest{})), relay.Rejected},
		"no conversation":  {only(conn.Conversation(ctx, ref("message/5", ""), relay.PageRequest{})), relay.Rejected},
		"nobody":           {only(nobody.Conversation(ctx, ref("user/ana", ""), relay.PageRequest{})), relay.Rejected},
		"no user":          {only(conn.User(ctx, "none")), relay.Denied},
		"no uid":           {only(conn.User(ctx, "")), relay.Rejected},
	} {
		var f *relay.Failure
		if !errors.As(tt.err, &f) || f.Kind != tt.want {
			t.Errorf("%s: %v", name, tt.err)
		}
	}
}

func TestHistoryHidesWhatModerationHolds(t *testing.T) {
	f := newFakeList(t, 1, 2, 3)
	f.rows[2] = moderated("pending")
	got := history(t, relay.PageRequest{}, func(p relay.PageRequest) (relay.History, error) {
		return f.connection().Conversation(t.Context(), event.ThreadRef{Connection: "cc", Conversation: "group/crew"}, p)
	})
	if !slices.Equal(got, []int{3, 1}) {
		t.Error(got)
	}
}
