package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// rocketStage is the simulated Rocket.Chat: a server with an API, a realtime stream and a chat page, on loopback.
type rocketStage struct {
	chat     *rocketsim.Server
	listener net.Listener
	token    string // of the bot
	hook     string // what webhooks carry
	bot      string // id of the bot
	direct   string // id of the room in which Ana and the bot are alone
}

// newRocketStage fills the platform with people and opens a port.
func newRocketStage(options ...func(*rocketsim.Config)) (*rocketStage, error) {
	s := &rocketStage{token: rand.Text(), hook: rand.Text()}
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil { //nolint:noctx // opening a port on loopback takes no time
		return nil, err
	}
	cfg := rocketsim.Config{SiteURL: s.url(), Limits: rocketsim.Limits{On: true}}
	for _, option := range options {
		option(&cfg)
	}
	if s.chat, err = rocketsim.New(cfg); err != nil {
		return nil, err
	}
	users := []rocketsim.User{
		{Username: "ana", Name: "Ana"}, {Username: "ben", Name: "Ben"}, {Username: demoBot, Name: "Helper", Roles: []string{"user", "bot"}, Token: s.token},
	}
	for _, u := range users {
		if s.bot, err = s.chat.AddUser(u); err != nil { // the bot is the last
			return nil, err
		}
	}
	rooms := []rocketsim.Room{{Name: "engineering", Members: []string{"ana", "ben", demoBot}}, {Type: rocketsim.Direct, Members: []string{"ana", demoBot}}}
	for _, room := range rooms {
		if s.direct, err = s.chat.AddRoom(room); err != nil { // the direct one is the last
			return nil, err
		}
	}
	return s, nil
}

func (s *rocketStage) close() error {
	s.chat.Close()
	return closeListener(s.listener)()
}

// url is where the workspace and its chat page are.
func (s *rocketStage) url() string { return "http://" + s.listener.Addr().String() }

func (s *rocketStage) handler() http.Handler { return s.chat.Handler() }

// config is that of a connection to the stage.
func (s *rocketStage) config() rocketchatConfig {
	return rocketchatConfig{
		URL: s.url(), UserID: s.bot, AuthToken: secret(s.token), WebhookToken: secret(s.hook), Realtime: true, PollInterval: 2 * time.Second,
	}
}

// connect has the platform call the relay's hook.
func (s *rocketStage) connect(public string) error {
	_, err := s.chat.AddIntegration(rocketsim.Integration{
		Name: "relay", URLs: []string{"http://" + public + "/hooks/rocketchat"}, Token: s.hook, RetryFailedCalls: true,
		Channel: []string{"all_public_channels", "all_direct_messages"},
	})
	return err
}

// rocketScript is what the demo plays there.
type rocketScript struct {
	chat  *rocketsim.Server
	out   io.Writer
	shown <-chan string // texts that stand on the screen; nil if nobody shows them
}

// play says each line and waits for its answer.
func (s *rocketScript) play(ctx context.Context) error {
	root, err := s.ask(ctx, "a message in a channel", rocketsim.Say{From: "ana", Room: "#engineering", Text: "Is the build green?"})
	if err != nil {
		return err
	}
	if _, err := s.ask(ctx, "a reply inside its thread", rocketsim.Say{From: "ben", Thread: root, Text: "Looks like it."}); err != nil {
		return err
	}
	s.chat.DropRealtime()
	fmt.Fprintf(s.out, "     (the realtime connection breaks)\n")
	if _, err := s.ask(ctx, "a direct message", rocketsim.Say{From: "ana", Room: "@" + demoBot, Text: "Thanks!"}); err != nil {
		return err
	}
	if n := len(s.answers(root)); n != 2 {
		return fmt.Errorf("there are %d answers in thread %s, want 2: what came by webhook, realtime and poll was not one event", n, root)
	}
	return nil
}

// ask says something and waits until the bot has said it back in the right thread.
func (s *rocketScript) ask(ctx context.Context, what string, say rocketsim.Say) (root string, err error) {
	id, err := s.chat.Say(say) //nolint:contextcheck // the platform's webhooks outlive the one who speaks
	if err != nil {
		return "", err
	}
	if root = say.Thread; root == "" {
		root = id
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err = s.chat.Await(ctx, func(*rocketsim.Server) bool { return slices.Contains(s.answers(root), "You said: "+say.Text) })
	if err != nil {
		return "", fmt.Errorf("%s (%q) was not answered in its thread on Rocket.Chat: %w", what, say.Text, err)
	}
	return root, s.awaitShown(ctx, "You said: "+say.Text)
}

// awaitShown waits until an answer stands on the screen, so that the script does not run ahead of it.
func (s *rocketScript) awaitShown(ctx context.Context, text string) error {
	if s.shown == nil {
		return nil
	}
	for {
		select {
		case got := <-s.shown:
			if got == text {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("the answer %q was not shown: %w", text, ctx.Err())
		}
	}
}

// answers are the texts that the bot said in a thread, in order.
func (s *rocketScript) answers(root string) []string {
	var out []string
	for _, m := range s.chat.Thread(root) {
		if m.From == demoBot {
			out = append(out, m.Text)
		}
	}
	return out
}

// rocketLine is a message as the demo prints it. Ids are long there: a thread is named by the beginning of its root's.
func rocketLine(chat *rocketsim.Server, m rocketsim.Message) string {
	if m.Thread != "" {
		root, _ := chat.Message(m.Thread)
		return fmt.Sprintf("    ↳ %-6s in thread of “%s”: %s", m.From, root.Text, m.Text)
	}
	return fmt.Sprintf("     %s on Rocket.Chat: %s", m.From, m.Text)
}
