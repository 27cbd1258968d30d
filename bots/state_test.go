package bots_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
)

// tally is what the test's bots remember.
type tally struct {
	Count int      `json:"count"`
	Who   []string `json:"who,omitempty"`
}

func room(bot string, w bots.World, root string) *bots.Thread {
	return bots.NewThread(w, bots.New(bot), "test", event.ThreadRef{Connection: "support", Conversation: "group/eng", Root: event.MessageID(root)})
}

func TestWhatABotRemembers(t *testing.T) {
	st := newStage(t)
	w := bots.NewWorld(st.bus)
	ctx := bustest.Context(t)
	cell := bots.State[tally](room("b", w, "7").Memory(), "asked")
	if v, rev, err := cell.Get(ctx); err != nil || rev != 0 || v.Count != 0 {
		t.Errorf("before: %+v, %d, %v", v, rev, err)
	}
	rev, err := cell.Set(ctx, tally{Count: 1, Who: []string{"ana"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cell.Set(ctx, tally{Count: 9}, 0); !errors.Is(err, bots.ErrConflict) {
		t.Errorf("written twice from nothing: %v", err)
	}
	others := map[string]bots.Cell[tally]{
		"another thread": bots.State[tally](room("b", w, "8").Memory(), "asked"),
		"another bot":    bots.State[tally](room("c", w, "7").Memory(), "asked"),
		"another name":   bots.State[tally](room("b", w, "7").Memory(), "told"),
		"a longer root":  bots.State[tally](room("b", w, "7/state").Memory(), "asked"),
	}
	for what, other := range others {
		if v, rev, err := other.Get(ctx); err != nil || rev != 0 {
			t.Errorf("%s holds %+v, %d, %v", what, v, rev, err)
		}
	}
	again := bots.State[tally](room("b", bots.NewWorld(st.bus), "7").Memory(), "asked") // as after a restart
	v, got, err := again.Get(ctx)
	if err != nil || got != rev || v.Count != 1 || len(v.Who) != 1 {
		t.Errorf("afterwards: %+v, %d, %v", v, got, err)
	}
	if err := again.Forget(ctx); err != nil {
		t.Error(err)
	}
	if _, rev, err := cell.Get(ctx); err != nil || rev != 0 {
		t.Errorf("what was forgotten has revision %d, %v", rev, err)
	}
}

// However many instances change a value, no change is lost.
func TestChangesAreNotLost(t *testing.T) {
	st := newStage(t)
	ctx := bustest.Context(t)
	const instances, each = 4, 10
	var all sync.WaitGroup
	for range instances {
		cell := bots.State[tally](room("b", bots.NewWorld(st.bus), "7").Memory(), "n")
		all.Go(func() {
			for range each {
				if _, err := cell.Update(ctx, func(v tally) (tally, error) { v.Count++; return v, nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	cell := bots.State[tally](room("b", bots.NewWorld(st.bus), "7").Memory(), "n")
	if v, _, err := cell.Get(ctx); err != nil || v.Count != instances*each {
		t.Errorf("counted %+v, %v", v, err)
	}
	if _, err := cell.Update(ctx, func(v tally) (tally, error) { v.Count = 0; return v, errTest }); !errors.Is(err, errTest) {
		t.Errorf("error %v", err)
	}
	if v, _, _ := cell.Get(ctx); v.Count != instances*each {
		t.Errorf("after a change that failed: %+v", v)
	}
}

func TestWhatIsRememberedForAWhile(t *testing.T) {
	st := newStage(t)
	ctx := bustest.Context(t)
	cell := bots.State[int](room("b", bots.NewWorld(st.bus), "7").Memory(), "n").For(time.Second)
	if _, err := cell.Set(ctx, 1, 0); err != nil {
		t.Fatal(err)
	}
	for {
		_, rev, err := cell.Get(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if rev == 0 {
			break
		}
	}
}

// A handler sees the memory of its thread, its sender and its bot.
func TestScopes(t *testing.T) {
	st := newStage(t)
	st.run(every("counter", func(ctx context.Context, m *bots.Message) error {
		var text string
		for _, s := range []bots.Scope{m.Thread.Memory(), m.SenderMemory(), m.BotMemory()} {
			n, err := bots.State[int](s, "n").Update(ctx, func(n int) (int, error) { return n + 1, nil })
			if err != nil {
				return err
			}
			text += fmt.Sprint(n, " ")
		}
		m.Reply(text)
		return nil
	}))
	zoe := direct("a", 2)
	zoe.Message.Sender.ID = "zoe"
	for _, step := range []struct {
		e    event.Event
		want string
	}{{direct("a", 0), "1 1 1 "}, {direct("b", 0), "1 2 2 "}, {direct("a", 1), "2 3 3 "}, {zoe, "3 1 4 "}} {
		st.publish(step.e)
		st.wantNext(step.want)
	}
}
