package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

const (
	demoBot  = "helper"
	demoHook = "demo"
)

// demo runs a simulated CometChat, a simulated Rocket.Chat and the real relay beside them, plays a conversation, and stays up to
// be tried.
func demo(ctx context.Context, inv invocation) error {
	var once bool
	var listen string
	err := parseFlags("demo", "Plays conversations with bots on simulated platforms, all on this machine, then stays up to be tried.", inv,
		func(f *flag.FlagSet) {
			f.BoolVar(&once, "once", false, "end after the conversation: exit code 0, or 1 if an answer did not come")
			f.StringVar(&listen, "listen", "127.0.0.1:0", "`address` of the simulated CometChat with its chat page; port 0 is any free one")
		})
	if err != nil || inv.helped() {
		return err
	}
	dir, err := os.MkdirTemp("", "threadrelay-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // a leftover in the system's temporary folder harms nobody
	stage, err := newStage(listen)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	rocket, err := newRocketStage() //nolint:contextcheck // the platform outlives whoever makes it
	if err != nil {
		return errors.Join(fmt.Errorf("demo: %w", err), stage.close())
	}
	d := &demonstration{inv: inv, stage: stage, rocket: rocket, once: once}
	return errors.Join(d.run(ctx, dir), stage.close(), rocket.close())
}

// stage is the simulated platform: a server with an API and a chat page, on loopback.
type stage struct {
	chat     *sim.CometChat
	listener net.Listener
	key      string
}

// newStage fills the platform with people and opens its port.
func newStage(listen string, options ...func(*sim.CometChatConfig)) (*stage, error) {
	s := &stage{key: rand.Text()}
	cfg := sim.CometChatConfig{APIKey: s.key}
	for _, option := range options {
		option(&cfg)
	}
	var err error
	if s.chat, err = sim.NewCometChat(cfg); err != nil {
		return nil, err
	}
	for _, u := range []sim.User{{UID: "ana", Name: "Ana"}, {UID: "ben", Name: "Ben"}, {UID: demoBot, Name: "Helper"}} {
		if err := s.chat.AddUser(u); err != nil {
			return nil, err
		}
	}
	if err := s.chat.AddGroup(sim.Group{GUID: "engineering", Name: "Engineering", Members: []string{"ana", "ben", demoBot}}); err != nil {
		return nil, err
	}
	if s.listener, err = net.Listen("tcp", listen); err != nil { //nolint:noctx // opening a port on loopback takes no time
		return nil, fmt.Errorf("--listen: %w", err)
	}
	return s, nil
}

func (s *stage) close() error {
	s.chat.Close()
	return closeListener(s.listener)()
}

// url is where the chat page is.
func (s *stage) url() string { return "http://" + s.listener.Addr().String() }

func (s *stage) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v3/", s.chat.API())
	mux.Handle("/", s.chat.Page())
	return mux
}

// config is that of a relay whose platform is the stage.
func (s *stage) config(dir string) config {
	return config{
		Relay: relayConfig{
			Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Roles: list{"ingest", "deliver", "bots"}, Bots: list{"echo"},
			DataDir: dir, DedupWindow: 10 * time.Minute, Retention: 24 * time.Hour,
		},
		NATS: natsConfig{Replicas: 1},
		Log:  logConfig{Level: "error"},
		CometChat: cometchatConfig{
			AppID: "sim-app", APIKey: secret(s.key), BaseURL: s.url() + "/v3", BotUID: demoBot,
			WebhookUsername: demoHook, WebhookPassword: secret(s.key),
			Poll: list{"app"}, PollInterval: 2 * time.Second, // so that a webhook that is broken on the page is made up for
		},
	}
}

// connect has the platform call the relay's hook.
func (s *stage) connect(public string) error {
	return s.chat.AddWebhook(sim.Webhook{
		ID: "relay", URL: "http://" + public + "/hooks/cometchat", Username: demoHook, Password: s.key, RetryOnFailure: true,
	})
}
