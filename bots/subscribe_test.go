package bots_test

import (
	"context"
	"testing"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bots/bottest"
)

func watcher() *bots.Bot {
	bot := bots.New("watcher")
	bot.On(bots.Text("^watch$"), func(ctx context.Context, m *bots.Message) error { return m.Thread.Subscribe(ctx) })
	bot.On(bots.Text("^enough$"), func(ctx context.Context, m *bots.Message) error { return m.Thread.Unsubscribe(ctx) })
	bot.On(bots.Text("^fail$"), func(ctx context.Context, m *bots.Message) error {
		if err := m.Thread.Subscribe(ctx); err != nil {
			return err
		}
		return errTest
	})
	bot.On(bots.All(bots.Subscribed(), bots.Any(bots.Created(), bots.Edited())), func(_ context.Context, m *bots.Message) error {
		m.Reply("seen: %s", m.Text)
		return nil
	})
	return bot
}

func TestASubscribedThreadIsSeen(t *testing.T) {
	chat := bottest.New(t, watcher())
	th, other := chat.Thread("a"), chat.Thread("b")
	th.Say("ana", "before")
	th.Say("ana", "watch")
	th.WantNoReply()
	th.Say("zoe", "one")
	th.WantReply("seen: one")
	th.Edit("two")
	th.WantReply("seen: two")
	other.Say("ana", "one")
	other.WantNoReply()
	chat.Restart(watcher())
	th.Say("zoe", "three")
	th.WantReply("seen: three")
	th.Say("ana", "enough")
	th.Say("ana", "enough")
	th.Say("zoe", "four")
	th.WantNoReply()
	if _, err := other.TryLine(bottest.Line{From: "ana", Text: "fail"}); err == nil {
		t.Error("no error")
	}
	other.Say("ana", "five")
	other.WantReply("seen: five")
}

func TestTakingPart(t *testing.T) {
	helper := func() *bots.Bot {
		bot := bots.New("helper")
		bot.On(bots.Any(bots.Text("^help$"), bots.All(bots.Text("more"), bots.TakesPart())), func(_ context.Context, m *bots.Message) error {
			m.Reply("at your service")
			return nil
		})
		return bot
	}
	chat := bottest.New(t, helper())
	th, other := chat.Thread("a"), chat.Thread("b")
	th.Say("ana", "hello")
	th.Say("ana", "more")
	th.WantNoReply()
	th.Say("ana", "help")
	th.WantReply("at your service")
	chat.Restart(helper())
	th.Say("zoe", "more")
	th.WantReply("at your service")
	other.Say("zoe", "more")
	other.WantNoReply()
}
