package rocketsim

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// listener collects what a watcher is told.
type listener struct {
	told chan change
	stop func()
}

func listen(s *Server) *listener {
	const enough = 1000
	l := &listener{told: make(chan change, enough)}
	l.stop = watch(s, func(c change) { l.told <- c })
	return l
}

// watch calls fn for every change from now on, on a goroutine of its own.
func watch(s *Server, fn func(change)) (stop func()) {
	w := s.subscribe()
	if w == nil {
		return func() {}
	}
	go func() {
		defer s.tasks.Done()
		s.feed(w, fn)
	}()
	return func() { s.unwatch(w) }
}

// take is the next n changes, in a line each.
func (l *listener) take(t *testing.T, n int) []string {
	t.Helper()
	var out []string
	for range n {
		select {
		case c := <-l.told:
			line := fmt.Sprintf("%s %s by %s", c.Kind, c.Message.Msg, c.By.Username)
			if c.Before != nil {
				line += " was " + c.Before.Msg
			}
			if c.Silent {
				line += " silent"
			}
			if c.Room.Name != "general" || c.Room.ID != c.Message.RID {
				t.Errorf("room %+v of %+v", c.Room, c.Message)
			}
			out = append(out, line)
		case <-time.After(10 * time.Second):
			t.Fatalf("told only %v", out)
		}
	}
	return out
}

func newServer(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for _, name := range []string{"ann", "ben"} {
		_, err := s.AddUser(User{ID: "id-" + name, Username: name})
		check(t, err, s.Join(name, "GENERAL"))
	}
	return s
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// said is Say that must succeed.
func said(t *testing.T, s *Server, m Say) string {
	t.Helper()
	if m.Room == "" && m.Thread == "" {
		m.Room = "GENERAL"
	}
	id, err := s.Say(m)
	check(t, err)
	return id
}

func TestFeedTellsChangesInOrder(t *testing.T) {
	s := newServer(t, Config{Settings: Settings{KeepHistory: true}})
	l := listen(s)
	root := said(t, s, Say{From: "ann", Text: "root"})
	first := said(t, s, Say{From: "ben", Thread: root, Text: "first"})
	second := said(t, s, Say{From: "ben", Thread: root, Text: "second"})
	check(t, s.EditAs("ben", first, "better"), s.EditAs("ben", first, "better"))
	check(t, s.ReactAs("ann", first, "tea", true), s.ReactAs("ann", first, "tea", true), s.FollowAs("ann", first, true))
	check(t, s.DeleteAs("ben", second), s.DeleteAs("ben", first), s.Leave("ben", "GENERAL"))
	s.Set(func(st *Settings) { st.ShowDeletedStatus = true })
	check(t, s.DeleteAs("ann", root))
	want := []string{
		"inserted root by ann",
		"inserted first by ben", "rootBumped root by ben was root",
		"inserted second by ben", "rootBumped root by ben was root",
		"edited better by ben was first", // the same text again is nothing, and the hidden copy is not told
		"updated better by ann was better",
		"updated root by ann was root",
		"rootBumped root by ben was root silent", "removed second by ben was second",
		"rootBumped root by ben was root", "removed better by ben was better", // the last reply's going is told
		"inserted ben by ben",
		"tombstoned  by ann was root",
	}
	if got := l.take(t, len(want)); !slices.Equal(got, want) {
		t.Errorf("told %q\nwant %q", got, want)
	}
}

func TestFeedMayCallBack(t *testing.T) {
	s := newServer(t, Config{})
	done := make(chan struct{})
	var stop func()
	ready := make(chan struct{})
	stop = watch(s, func(c change) {
		<-ready
		switch c.Message.Msg {
		case "ping":
			said(t, s, Say{From: "ben", Thread: c.Message.ID, Text: "pong"})
			if len(s.Thread(c.Message.ID)) != 1 || !s.sees("id-ann", c.Message.RID) {
				t.Error("the callback does not see its own answer")
			}
		case "pong":
			stop()
			stop()
			close(done)
		}
	})
	close(ready)
	said(t, s, Say{From: "ann", Text: "ping"})
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("stuck")
	}
	l := listen(s)
	said(t, s, Say{From: "ann", Text: "ping"}) // nobody answers any more
	said(t, s, Say{From: "ann", Text: "end"})
	if got := l.take(t, 2); got[1] != "inserted end by ann" {
		t.Errorf("told after stop: %q", got)
	}
}

// A reader that never comes back holds up neither commits nor other readers.
func TestFeedDoesNotWait(t *testing.T) {
	s := newServer(t, Config{})
	release := make(chan struct{})
	defer close(release)
	watch(s, func(change) {
		select {
		case <-release:
		case <-s.ctx.Done():
		}
	})
	l := listen(s)
	for i := range 100 {
		said(t, s, Say{From: "ann", Text: fmt.Sprint(i)})
	}
	if got := l.take(t, 100); got[99] != "inserted 99 by ann" {
		t.Errorf("told %q", got[99])
	}
}

func TestFeedAfterClose(t *testing.T) {
	s := newServer(t, Config{})
	s.Close()
	l := listen(s)
	l.stop()
	if len(l.told) != 0 {
		t.Error("told after Close")
	}
}

// Messages that a watcher keeps do not change under it.
func TestToldMessagesStay(t *testing.T) {
	s := newServer(t, Config{})
	l := listen(s)
	id := said(t, s, Say{From: "ann", Text: "one"})
	kept := <-l.told
	check(t, s.EditAs("ann", id, "two"), s.ReactAs("ben", id, "tea", true), s.ReactAs("ann", id, "tea", true), s.DeleteAs("ann", id))
	if m := kept.Message; m.Msg != "one" || len(m.Reactions) != 0 || !m.EditedAt.IsZero() {
		t.Errorf("changed: %+v", m)
	}
}

func TestDocumentsInTwoSpellings(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	s := newServer(t, Config{Now: func() time.Time { return at }})
	id := said(t, s, Say{From: "ann", Text: "root"})
	said(t, s, Say{From: "ben", Thread: id, Text: "reply"})
	check(t, s.EditAs("ann", id, "edited"))
	m := s.store.held[id]
	for _, key := range []string{"ts", "_updatedAt", "tlm", "editedAt"} {
		if got := m.doc(isoDate)[key]; got != "2026-01-02T03:04:05.678Z" {
			t.Errorf("REST %s is %v", key, got)
		}
		if got := fmt.Sprint(m.doc(ddpDate)[key]); got != "map[$date:1767323045678]" {
			t.Errorf("realtime %s is %v", key, got)
		}
	}
}
