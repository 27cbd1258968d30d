package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// answerTime is how long the demo waits for one answer.
const answerTime = 20 * time.Second

// script is the conversation that the demo plays.
type script struct {
	chat  *sim.CometChat
	out   io.Writer
	shown <-chan string // ids of the messages that stand on the screen; nil if nobody shows them
}

// play says each line and waits for its answer. It returns which one did not come.
func (s *script) play(ctx context.Context) error {
	direct, err := s.ask(ctx, "a 1:1 message", sim.Say{From: "ana", ToUser: demoBot, Text: "Hello, is anybody there?"})
	if err != nil {
		return err
	}
	if _, err := s.ask(ctx, "a reply inside its thread", sim.Say{From: "ana", Parent: direct.ID, Text: "Nice to meet you!"}); err != nil {
		return err
	}
	group, err := s.ask(ctx, "a group message", sim.Say{From: "ben", ToGroup: "engineering", Text: "Lunch at noon?"})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "     (the platform sends the webhook of message %s a second time)\n", group.ID)
	if err := s.repeat(ctx, group.ID); err != nil {
		return err
	}
	// A thread is answered in order: had the repeat been taken for a new message, its answer would stand before the next one.
	if _, err := s.ask(ctx, "a message behind the duplicate", sim.Say{From: "ana", Parent: group.ID, Text: "I am in."}); err != nil {
		return err
	}
	if n := len(s.answers(s.chat.Messages(), group.ID)); n != 2 {
		return fmt.Errorf("the duplicate webhook was answered again: %d answers in thread %s, want 2", n, group.ID)
	}
	return nil
}

// ask says something and waits until the bot has said it back in the right thread.
func (s *script) ask(ctx context.Context, what string, say sim.Say) (sim.Message, error) {
	m, err := s.chat.Say(say) //nolint:contextcheck // the platform's webhooks outlive the one who speaks
	if err != nil {
		return sim.Message{}, err
	}
	root := m.ParentID
	if root == "" {
		root = m.ID
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err = s.chat.Await(ctx, func(all []sim.Message) bool {
		return slices.Contains(s.answers(all, root), "You said: "+say.Text)
	})
	if err != nil {
		return sim.Message{}, fmt.Errorf("%s (%q) was not answered in thread %s: %w", what, say.Text, root, err)
	}
	return m, s.awaitShown(ctx, root, "You said: "+say.Text)
}

// awaitShown waits until an answer stands on the screen, so that the script does not run ahead of it.
func (s *script) awaitShown(ctx context.Context, root, text string) error {
	if s.shown == nil {
		return nil
	}
	for {
		select {
		case id := <-s.shown:
			for _, m := range s.chat.Thread(root) {
				if m.ID == id && m.Text == text {
					return nil
				}
			}
		case <-ctx.Done():
			return fmt.Errorf("the answer %q was not shown: %w", text, ctx.Err())
		}
	}
}

// repeat sends a message's webhook again and waits until the relay has taken it.
func (s *script) repeat(ctx context.Context, id string) error {
	if err := s.chat.Redeliver(id); err != nil { //nolint:contextcheck // as above
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return s.awaitRepeat(ctx, id)
}

// awaitRepeat waits until the relay has taken a message's webhook twice.
func (s *script) awaitRepeat(ctx context.Context, id string) error {
	err := s.chat.AwaitDeliveries(ctx, func(all []sim.Delivery) bool {
		n := 0
		for _, d := range all {
			if d.MessageID == id && d.Trigger == "message_sent" && d.Status == 200 {
				n++
			}
		}
		return n >= 2
	})
	if err != nil {
		return fmt.Errorf("the repeated webhook of message %s was not taken: %w", id, err)
	}
	return nil
}

// answers are the texts that the bot said in a thread, in order.
func (s *script) answers(all []sim.Message, root string) []string {
	var out []string
	for _, m := range all {
		if m.ParentID == root && m.Sender == demoBot {
			out = append(out, m.Text)
		}
	}
	return out
}
