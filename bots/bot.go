// Package bots is the framework for thread bots: a bot reacts to the messages of chat platforms and answers in their threads.
//
// A bot is pure: it is given messages and says what it wants done. It holds no credentials and knows no platform, since it
// meets the relay on the bus alone. What its handlers ask for leaves when they return nil, under ids that are the same
// each time, so that a handler that runs twice is seen once.
package bots

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Handler reacts to one message. When it returns nil, what it asked for is done. When it returns an error, nothing of it
// leaves, and the handler is run again after a pause while the other messages of that thread wait; see [Permanent] and
// [After] for other ways. A panic is an error.
//
// Its context ends when the bot is stopped and its grace time is over.
type Handler func(ctx context.Context, m *Message) error

// Bot is a name and its handlers.
type Bot struct {
	name   string
	as     event.UserID
	maxAge time.Duration // 0 or less is no bound
	prefix string
	routes []route
	around []Middleware
	// commands are by name, and order is their names as they were registered.
	commands map[string]*command
	order    []string
	faults   []error
}

type route struct {
	match   Matcher
	handler Handler
	name    string // in metrics: where it was registered, or a command's name
}

// Option changes a bot that is being made.
type Option func(*Bot)

// As sets the user in whose name the bot speaks, on platforms that know such a thing. Without it, the bot speaks as the user
// that the connection is configured with.
func As(user string) Option {
	return func(b *Bot) { b.as = event.UserID(user) }
}

// New returns a bot without handlers. It is shown messages of the last hour: see [MaxAge]. The name is its identity: its progress,
// what it remembers and the ids of what it says hang on it. It may hold letters, digits, "_" and "-".
func New(name string, options ...Option) *Bot {
	b := &Bot{name: name, maxAge: defaultMaxAge, prefix: defaultPrefix}
	for _, o := range options {
		o(b)
	}
	return b
}

// Name returns the bot's name.
func (b *Bot) Name() string { return b.name }

// On has h handle the messages that match. The first match wins, in the order of registration. What is wrong with a
// registration is returned by Run, with its place in the source. The middleware is around this handler alone, the first of it
// outermost, within that of [Bot.Use].
func (b *Bot) On(match Matcher, h Handler, around ...Middleware) {
	b.register(match, h, around)
}

// Every has h handle all new messages of people that nothing registered before it matched.
func (b *Bot) Every(h Handler) {
	b.register(matching(func(*Message) bool { return true }), h, nil)
}

func (b *Bot) register(match Matcher, h Handler, around []Middleware) {
	err := match.fault()
	if err == nil && h == nil {
		err = errors.New("no handler")
	}
	if err == nil && slices.ContainsFunc(around, func(m Middleware) bool { return m == nil }) {
		err = errors.New("no middleware")
	}
	if err != nil {
		b.faults = append(b.faults, fmt.Errorf("bots: %s: %s: %w", b.name, callerOf(2), err))
		return
	}
	b.routes = append(b.routes, route{match, wrap(h, around), path.Base(callerOf(2))})
}

// callerOf is the line that called a function of this package, so many calls further in.
func callerOf(calls int) string {
	_, file, line, _ := runtime.Caller(calls + 1)
	return fmt.Sprintf("%s:%d", file, line)
}
