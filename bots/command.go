package bots

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// defaultPrefix begins a command, and helpCommand is the one that every bot with commands has.
const (
	defaultPrefix = "!"
	helpCommand   = "help"
)

// Prefix sets what a command begins with, in place of "!".
func Prefix(prefix string) Option { return func(b *Bot) { b.prefix = prefix } }

// command is one command of a bot.
type command struct {
	name, about string
	args        reflect.Type // a struct
	run         reflect.Value
}

// CommandOption changes a command that is being registered.
type CommandOption func(*commandSetup)

type commandSetup struct {
	about  string
	around []Middleware
}

// About is what the help says about a command: a short sentence.
func About(sentence string) CommandOption { return func(c *commandSetup) { c.about = sentence } }

// Around puts middleware around a command.
func Around(around ...Middleware) CommandOption {
	return func(c *commandSetup) { c.around = append(c.around, around...) }
}

// Command has h handle messages that begin with the prefix (see [Prefix]) and the name, such as "!deploy web --to prod". h is a
// func(ctx context.Context, m *Message, args T) error, where T is a struct whose fields say by the tags of package
// github.com/alecthomas/kong what the words are: `arg:""`, `help:"…"`, `optional:""`, `default:"…"`, `enum:"…"`, `short:"…"`. Words
// in double quotes are one. What does not fit is answered with the reason and the usage; h is not run.
//
// A bot with commands answers "!help" with a list of them, and "!help deploy" with the usage of one, unless it has a command of
// that name itself. Commands come in the order of registration like other handlers.
func (b *Bot) Command(name string, h any, options ...CommandOption) {
	var setup commandSetup
	for _, o := range options {
		o(&setup)
	}
	c, err := newCommand(name, h)
	if err == nil && b.commands[name] != nil {
		err = fmt.Errorf("there is a command of this name")
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		b.faults = append(b.faults, fmt.Errorf("bots: %s: %s: command %q: %w", b.name, callerOf(1), name, err))
		return
	}
	c.about = setup.about
	if b.commands == nil {
		b.commands = make(map[string]*command)
	}
	b.commands[name] = c
	b.order = append(b.order, name)
	b.register(b.calls(name), c.handle, setup.around)
	if last := len(b.routes) - 1; last >= 0 {
		b.routes[last].name = b.prefix + name
	}
}

func newCommand(name string, h any) (*command, error) {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' }) {
		return nil, errors.New("the name is empty or has white space in it")
	}
	f := reflect.ValueOf(h)
	if !f.IsValid() || f.Kind() != reflect.Func || f.IsNil() {
		return nil, errors.New("no handler")
	}
	t := f.Type()
	if t.NumIn() != 3 || t.NumOut() != 1 || t.In(0) != reflect.TypeFor[context.Context]() || t.In(1) != reflect.TypeFor[*Message]() ||
		t.In(2).Kind() != reflect.Struct || t.Out(0) != reflect.TypeFor[error]() || t.IsVariadic() {
		return nil, fmt.Errorf("the handler is a %s, want a func(context.Context, *bots.Message, T) error with a struct T", t)
	}
	return &command{name: name, args: t.In(2), run: f}, nil
}

// calls matches messages that call a command.
func (b *Bot) calls(name string) Matcher {
	return matching(func(m *Message) bool {
		called, _ := b.called(m.Text)
		return strings.EqualFold(called, name)
	})
}

// called returns which command a text calls, and the words behind it; an empty name if it calls none.
func (b *Bot) called(text string) (name, rest string) {
	text, ok := strings.CutPrefix(strings.TrimSpace(text), b.prefix)
	if !ok {
		return "", ""
	}
	end := strings.IndexFunc(text, func(r rune) bool { return r <= ' ' })
	if end < 0 {
		return text, ""
	}
	return text[:end], text[end:]
}

// handle runs the command of a message.
func (c *command) handle(ctx context.Context, m *Message) error {
	_, rest := m.Thread.out.bot.called(m.Text)
	args, err := c.parse(rest)
	if err != nil {
		m.Reply("%s", firstUpper(err.Error())+".\n"+c.usage(m.Thread.out.bot.prefix))
		return nil
	}
	out := c.run.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(m), args})
	err, _ = out[0].Interface().(error)
	return err
}

func firstUpper(s string) string {
	for i, r := range s {
		return strings.ToUpper(string(r)) + s[i+len(string(r)):]
	}
	return s
}

// help answers a call for help, if no command does.
func (b *Bot) help(_ context.Context, m *Message) error {
	_, rest := b.called(m.Text)
	name := strings.TrimPrefix(strings.TrimSpace(rest), b.prefix)
	if c := b.commands[name]; c != nil {
		m.Reply("%s", c.usage(b.prefix))
		return nil
	}
	var lines []string
	if name != "" {
		lines = append(lines, fmt.Sprintf("There is no command %s%s.", b.prefix, name))
	}
	for _, name := range b.order {
		lines = append(lines, strings.TrimSpace(b.commands[name].synopsis(b.prefix)+"  "+b.commands[name].about))
	}
	m.Reply("%s", strings.Join(lines, "\n"))
	return nil
}
