package bots_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bots/bottest"
)

// deployment is the words of a command.
type deployment struct {
	Service string   `arg:"" help:"What to deploy."`
	Notes   []string `arg:"" optional:"" help:"Why."`
	To      string   `default:"staging" enum:"staging,prod" help:"Where to."`
	Times   int      `short:"n" default:"1"`
	DryRun  bool     `help:"Say only what would be done."`
}

type none struct{}

func operator(options ...bots.Option) *bots.Bot {
	bot := bots.New("operator", options...)
	bot.Command("deploy", func(_ context.Context, m *bots.Message, d deployment) error {
		m.Reply("%s to %s %d times, dry %t: %s", d.Service, d.To, d.Times, d.DryRun, strings.Join(d.Notes, "|"))
		return nil
	}, bots.About("Deploys a service."))
	bot.Command("ping", func(_ context.Context, m *bots.Message, _ none) error { m.Reply("pong"); return nil }, bots.Around(bots.Allow("ana")))
	bot.Every(func(_ context.Context, m *bots.Message) error { m.Reply("what?"); return nil })
	return bot
}

func TestCommands(t *testing.T) {
	cases := []struct{ say, want string }{
		{"!deploy web", "web to staging 1 times, dry false: "},
		{"  !DEPLOY web --to prod -n 3 --dry-run", "web to prod 3 times, dry true: "},
		{`!deploy "web app" it's #1 “for $HOME; rm -rf”`, "web app to staging 1 times, dry false: it's|#1|for $HOME; rm -rf"},
		{"!deploy\nweb\n\"\"", "web to staging 1 times, dry false: "},
		{"!ping", "pong"},
		{"deploy web", "what?"},
		{"!deployment", "what?"},
		{"!", "what?"},
	}
	chat := bottest.New(t, operator())
	for i, c := range cases {
		th := chat.Thread(fmt.Sprint(i))
		th.Say("ana", c.say)
		th.WantReply(c.want)
		th.WantNoReply()
	}
	th := chat.Thread("others")
	th.Say("zoe", "!ping")
	th.WantNoReply()
}

// Wrong words are answered with the reason and the usage, which names everything that fits.
func TestWrongUsage(t *testing.T) {
	usage := []string{"Usage: !deploy <service> [<notes> ...] [flags]", "Deploys a service.", "What to deploy.", "--to", "Where to.", "--dry-run"}
	cases := map[string]string{
		"!deploy":               "Expected \"<service>",
		"!deploy web --to moon": `must be one of "staging","prod"`,
		"!deploy web -n x":      `expected a valid 64 bit int`,
		"!deploy web --speed 3": "Unknown flag --speed",
		`!deploy "web`:          "A quotation mark is missing",
	}
	for say, reason := range cases {
		th := bottest.New(t, operator()).Thread("a")
		th.Say("ana", say)
		got := th.WantMatch(".").Text
		for _, want := range append(usage, reason) {
			if !strings.Contains(got, want) {
				t.Errorf("%s: answered %q, want %q in it", say, got, want)
			}
		}
		th.WantNoReply()
	}
}

func TestHelp(t *testing.T) {
	cases := []struct {
		say  string
		want []string
	}{
		{"!help", []string{"!deploy <service> [<notes> ...]  Deploys a service.\n!ping"}},
		{"!help deploy", []string{"Usage: !deploy <service>", "Where to."}},
		{"!help !ping", []string{"Usage: !ping"}},
		{"!help dance", []string{"There is no command !dance.\n!deploy"}},
	}
	for _, c := range cases {
		th := bottest.New(t, operator()).Thread("a")
		th.Say("ana", c.say)
		got := th.WantMatch(".").Text
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: answered %q, want %q in it", c.say, got, want)
			}
		}
	}
	own := operator(bots.Prefix("op "))
	own.Command("help", func(_ context.Context, m *bots.Message, _ none) error { m.Reply("help yourself"); return nil })
	th := bottest.New(t, own).Thread("a")
	th.Say("ana", "op help")
	th.WantReply("what?") // Every is registered before it
	th.Say("ana", "op ping")
	th.WantReply("pong")
	th.Say("ana", "!ping")
	th.WantReply("what?")
}

func TestACommandThatFailsIsAFailedHandler(t *testing.T) {
	bot := bots.New("b")
	bot.Command("fail", func(_ context.Context, m *bots.Message, _ none) error { m.Reply("x"); return errTest })
	th := bottest.New(t, bot).Thread("a")
	if _, err := th.TryLine(bottest.Line{From: "ana", Text: "!fail"}); !errors.Is(err, errTest) {
		t.Errorf("error %v", err)
	}
	th.WantNoReply()
}

func TestFaultsOfCommands(t *testing.T) {
	fine := func(context.Context, *bots.Message, none) error { return nil }
	cases := map[string]struct {
		register func(b *bots.Bot)
		want     string
	}{
		"no name":     {func(b *bots.Bot) { b.Command("", fine) }, "the name is empty"},
		"two words":   {func(b *bots.Bot) { b.Command("a b", fine) }, "white space"},
		"nothing":     {func(b *bots.Bot) { b.Command("a", nil) }, "no handler"},
		"a plain one": {func(b *bots.Bot) { b.Command("a", func(context.Context, *bots.Message) error { return nil }) }, "want a func"},
		"no struct":   {func(b *bots.Bot) { b.Command("a", func(context.Context, *bots.Message, string) error { return nil }) }, "want a func"},
		"twice":       {func(b *bots.Bot) { b.Command("a", fine); b.Command("a", fine) }, "there is a command of this name"},
		"nonsense tags": {func(b *bots.Bot) {
			b.Command("a", func(context.Context, *bots.Message, struct{ C chan int }) error { return nil })
		}, "the arguments"},
	}
	for name, c := range cases {
		bot := bots.New("b")
		c.register(bot)
		_, err := bots.NewSession(bot, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "command_test.go:") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
