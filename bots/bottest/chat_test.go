package bottest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bots/bottest"
	"github.com/threadrelay/threadrelay/bus/event"
)

// clerk is a bot that does a little of everything.
func clerk() *bots.Bot {
	bot := bots.New("clerk")
	bot.On(bots.Text(`(?i)^hi\b`), func(_ context.Context, m *bots.Message) error {
		m.Reply("Hello %s!", m.Sender.Name)
		return nil
	})
	bot.On(bots.Text(`^count$`), func(ctx context.Context, m *bots.Message) error {
		n, err := bots.State[int](m.Thread.Memory(), "n").For(time.Hour).Update(ctx, func(n int) (int, error) { return n + 1, nil })
		m.Reply("%d", n)
		return err
	})
	bot.On(bots.Text(`^work$`), func(ctx context.Context, m *bots.Message) error {
		s := m.Reply("working")
		if err := m.Flush(ctx); err != nil {
			return err
		}
		s.Edit("done")
		s.React("✅")
		m.React("👍")
		m.Post("somebody works").Reply("in a thread of its own")
		return nil
	})
	bot.On(bots.Text(`^summary$`), func(ctx context.Context, m *bots.Message) error {
		var all []string
		for said, err := range m.Thread.Fetch(ctx) {
			if err != nil {
				return err
			}
			all = append(all, said.Sender.Name+": "+said.Text)
		}
		m.Reply("%s", strings.Join(all, "; "))
		return nil
	})
	bot.On(bots.Text(`^fail$`), func(_ context.Context, m *bots.Message) error {
		m.Reply("never seen")
		return errors.New("out of paper")
	})
	bot.On(bots.Text(`^take that back$`), func(_ context.Context, m *bots.Message) error { m.Thread.Message("nowhere").Delete(); return nil })
	bot.On(bots.Edited(), func(_ context.Context, m *bots.Message) error { m.Reply("so it is %s now", m.Text); return nil })
	bot.On(bots.Deleted(), func(_ context.Context, m *bots.Message) error { m.Reply("gone"); return nil })
	bot.On(bots.Reacted("🎉"), func(_ context.Context, m *bots.Message) error { m.Reply("thank you, %s", m.Sender.Name); return nil })
	bot.On(bots.Unreacted("🎉"), func(_ context.Context, m *bots.Message) error { m.Reply("a pity"); return nil })
	return bot
}

func TestAConversation(t *testing.T) {
	chat := bottest.New(t, clerk())
	th, other := chat.Thread("support"), chat.Thread("other")
	th.Say("ana", "hi")
	th.WantReply("Hello Ana!")
	th.WantNoReply()
	other.Say("zoe", "nothing for you")
	other.WantNoReply()
	th.Say("ben", "HI there")
	th.WantReply("Hello Ben!")
	chat.Replay()
	th.WantNoReply()
	th.Say("ana", "count")
	th.WantReply("1")
	chat.Restart(clerk())
	th.Say("ana", "count")
	th.WantMatch(`^\d$`)
	other.Say("ana", "count")
	other.WantReply("1")
	chat.Advance(2 * time.Hour)
	th.Say("ana", "count")
	th.WantReply("1")
	th.Edit("hello")
	th.WantReply("so it is hello now")
	th.Delete()
	th.WantReply("gone")
	th.React("zoe", "🎉")
	th.WantReply("thank you, Zoe")
	th.React("zoe", "👎")
	th.WantNoReply()
	th.Unreact("zoe", "🎉")
	th.WantReply("a pity")
	direct := chat.Direct("with ana")
	direct.Say("ana", "hi")
	direct.WantReply("Hello Ana!")
}

func TestWhatBotsDo(t *testing.T) {
	chat := bottest.New(t, clerk())
	th := chat.Thread("support")
	asked := th.Say("ana", "work")
	reply := th.WantReply("done")
	th.WantShown(reply.ID, func(s bottest.Shown) error {
		if !slices.Equal(s.Reactions["✅"], []event.UserID{bottest.Bot}) {
			return fmt.Errorf("reactions are %v", s.Reactions)
		}
		return nil
	})
	th.WantShown(asked, func(s bottest.Shown) error {
		if !slices.Equal(s.Reactions["👍"], []event.UserID{bottest.Bot}) {
			return fmt.Errorf("reactions are %v", s.Reactions)
		}
		return nil
	})
	th.WantPost("somebody works")
	th.Say("ben", "summary")
	th.WantReply("Ana: work; Helper: done; Ben: summary")
	if _, err := th.TryLine(bottest.Line{From: "ana", Text: "fail"}); err == nil || !strings.Contains(err.Error(), "out of paper") {
		t.Errorf("error %v", err)
	}
	th.WantNoReply()
	if _, err := th.TryLine(bottest.Line{From: "ana", Text: "take that back"}); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("error %v", err)
	}
}

// recorder is a test that fails without anybody minding.
type recorder struct {
	testing.TB
	failed string
}

func (r *recorder) Helper() {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}
func (r *recorder) Fatal(args ...any) {
	r.failed = fmt.Sprint(args...)
	runtime.Goexit()
}

func TestWhatIsWrongFails(t *testing.T) {
	cases := map[string]struct {
		script func(c *bottest.Chat, th *bottest.Thread)
		want   string
	}{
		"no reply":      {func(_ *bottest.Chat, th *bottest.Thread) { th.WantReply("x") }, `group/a: no reply, want "x"`},
		"another reply": {func(_ *bottest.Chat, th *bottest.Thread) { th.Say("ana", "hi"); th.WantReply("x") }, `the reply is "Hello Ana!", want "x"`},
		"no match":      {func(_ *bottest.Chat, th *bottest.Thread) { th.Say("ana", "hi"); th.WantMatch("^x") }, `want a match of ^x`},
		"no pattern":    {func(_ *bottest.Chat, th *bottest.Thread) { th.WantMatch("(") }, "missing closing"},
		"a reply":       {func(_ *bottest.Chat, th *bottest.Thread) { th.Say("ana", "hi"); th.WantNoReply() }, `the bot said "Hello Ana!"`},
		"a second reply": {func(_ *bottest.Chat, th *bottest.Thread) {
			th.Say("ana", "hi")
			th.WantReply("Hello Ana!")
			th.WantReply("Hello Ana!")
		}, "no reply"},
		"no post":          {func(_ *bottest.Chat, th *bottest.Thread) { th.Say("ana", "hi"); th.WantPost("Hello Ana!") }, "has not posted"},
		"a failed handler": {func(_ *bottest.Chat, th *bottest.Thread) { th.Say("ana", "fail") }, "out of paper"},
		"nothing to edit":  {func(_ *bottest.Chat, th *bottest.Thread) { th.Edit("x") }, "there is no message"},
		"nothing to react": {func(_ *bottest.Chat, th *bottest.Thread) { th.React("ana", "x") }, "there is no message"},
		"nothing to see":   {func(_ *bottest.Chat, th *bottest.Thread) { th.Say("ana", "x"); th.WantShown("9", nil) }, "is not there"},
		"nothing happened": {func(c *bottest.Chat, _ *bottest.Thread) { c.Replay() }, "nothing has happened"},
		"a broken bot": {func(c *bottest.Chat, _ *bottest.Thread) {
			b := bots.New("b")
			b.On(bots.Text("("), nil)
			c.Restart(b)
		}, "text pattern"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				chat := bottest.New(r, clerk())
				c.script(chat, chat.Thread("a"))
			}()
			<-ended
			if !strings.Contains(r.failed, c.want) {
				t.Errorf("failed with %q, want %q", r.failed, c.want)
			}
		})
	}
}

// BenchmarkExchange is one thing said and one answered.
func BenchmarkExchange(b *testing.B) {
	chat := bottest.New(b, clerk())
	var th *bottest.Thread
	for i := 0; b.Loop(); i++ {
		if i%20 == 0 {
			th = chat.Thread(fmt.Sprint(i))
		}
		th.Say("ana", "hi")
		th.WantReply("Hello Ana!")
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exchanges/s")
}
