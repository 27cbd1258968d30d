package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus/event"
)

// askTimeout bounds a question whose context has no deadline.
const askTimeout = 10 * time.Second

// ErrNobodyAnswers means that no relay that serves the connection is running.
var ErrNobodyAnswers = errors.New("bus: nobody answers questions about this connection")

// The kinds of questions, as they stand in subjects.
const (
	memberQuestion       = "membership"
	threadQuestion       = "thread"
	conversationQuestion = "conversation"
	userQuestion         = "user"
)

// AskMember asks the relay whether a user belongs to a conversation. Its error, like those of the others that ask, is
// [ErrNobodyAnswers], holds a [Refusal], or is about the way there.
func (b *Bus) AskMember(ctx context.Context, q event.MembershipQuery) (bool, error) {
	a, err := ask[event.MembershipAnswer](ctx, b, querySubject(string(q.Connection), memberQuestion), q)
	return a.Member, err
}

// AskThread asks the relay for a page of a thread: its root, and the replies to it.
func (b *Bus) AskThread(ctx context.Context, q event.HistoryQuery) (event.HistoryAnswer, error) {
	return ask[event.HistoryAnswer](ctx, b, querySubject(string(q.Thread.Connection), threadQuestion), q)
}

// AskConversation asks the relay for a page of a conversation, with what was said in its threads.
func (b *Bus) AskConversation(ctx context.Context, q event.HistoryQuery) (event.HistoryAnswer, error) {
	return ask[event.HistoryAnswer](ctx, b, querySubject(string(q.Thread.Connection), conversationQuestion), q)
}

// AskUser asks the relay who a user is.
func (b *Bus) AskUser(ctx context.Context, q event.UserQuery) (event.User, error) {
	a, err := ask[event.UserAnswer](ctx, b, querySubject(string(q.Connection), userQuestion), q)
	return a.User, err
}

func ask[A any](ctx context.Context, b *Bus, subject string, question any) (answer A, err error) {
	data, err := json.Marshal(question)
	if err != nil {
		return answer, fmt.Errorf("bus: ask %s: %w", subject, err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askTimeout)
		defer cancel()
	}
	m, err := b.cfg.Conn.RequestWithContext(ctx, subject, data)
	if errors.Is(err, nats.ErrNoResponders) {
		return answer, fmt.Errorf("%w: %s", ErrNobodyAnswers, subject)
	}
	if err != nil {
		return answer, fmt.Errorf("bus: ask %s: %w", subject, err)
	}
	if r := refusalOf(m); r != nil {
		return answer, fmt.Errorf("bus: ask %s: %w", subject, r)
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return answer, fmt.Errorf("bus: ask %s: answer: %w", subject, err)
	}
	return answer, nil
}
