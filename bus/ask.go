package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/threadrelay/threadrelay/bus/event"
)

// askTimeout bounds a question whose context has no deadline.
const askTimeout = 5 * time.Second

// ErrNobodyAnswers means that no relay that serves the connection is running.
var ErrNobodyAnswers = errors.New("bus: nobody answers questions about this connection")

const memberQuestion = "membership"

// maxAnswers bounds the questions that are being answered at the same time; further ones wait.
const maxAnswers = 64

// AskMember asks the relay whether a user belongs to a conversation.
func (b *Bus) AskMember(ctx context.Context, q event.MembershipQuery) (bool, error) {
	var a event.MembershipAnswer
	err := b.ask(ctx, querySubject(string(q.Connection), memberQuestion), q, &a)
	return a.Member, err
}

func (b *Bus) ask(ctx context.Context, subject string, question, answer any) error {
	data, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("bus: ask %s: %w", subject, err)
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, askTimeout)
		defer cancel()
	}
	m, err := b.cfg.Conn.RequestWithContext(ctx, subject, data)
	if errors.Is(err, nats.ErrNoResponders) {
		return fmt.Errorf("%w: %s", ErrNobodyAnswers, subject)
	}
	if err != nil {
		return fmt.Errorf("bus: ask %s: %w", subject, err)
	}
	if reason := m.Header.Get(micro.ErrorHeader); reason != "" {
		return fmt.Errorf("bus: ask %s: %s (code %s)", subject, reason, m.Header.Get(micro.ErrorCodeHeader))
	}
	if err := json.Unmarshal(m.Data, answer); err != nil {
		return fmt.Errorf("bus: ask %s: answer: %w", subject, err)
	}
	return nil
}

// Answers is what a relay answers bots' questions with.
type Answers struct {
	// Connections are those that this process can answer about.
	Connections []event.ConnectionID
	Member      func(context.Context, event.MembershipQuery) (bool, error)
}

// Answer serves questions until stop is called. The service can be found with the tools of NATS under the name
// "threadrelay-query"; processes that serve the same connection share its questions.
func (b *Bus) Answer(ctx context.Context, version string, a Answers) (stop func() error, err error) {
	svc, err := micro.AddService(b.cfg.Conn, micro.Config{
		Name: "threadrelay-query", Version: version, Description: "answers bots' questions about chat platforms",
	})
	if err != nil {
		return nil, fmt.Errorf("bus: serve questions: %w", err)
	}
	places := make(chan struct{}, maxAnswers)
	handler := micro.HandlerFunc(func(r micro.Request) {
		places <- struct{}{}
		go func() {
			defer func() { <-places }()
			b.reply(r.Reply(), memberAnswer(ctx, r.Data(), a.Member))
		}()
	})
	for _, c := range a.Connections {
		if err := svc.AddEndpoint(memberQuestion+"-"+string(c), handler, micro.WithEndpointSubject(querySubject(string(c), memberQuestion))); err != nil {
			return nil, errors.Join(fmt.Errorf("bus: serve questions about %s: %w", c, err), svc.Stop())
		}
	}
	flush, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := b.cfg.Conn.FlushWithContext(flush); err != nil { // whoever asks from now on finds somebody
		return nil, errors.Join(fmt.Errorf("bus: serve questions: %w", err), svc.Stop())
	}
	return svc.Stop, nil
}

// reply sends an answer past micro.Request, which takes notes that the service reads when its handler has returned, beside
// which this runs. The asker is gone if it fails.
func (b *Bus) reply(to string, answer *nats.Msg) {
	answer.Subject = to
	_ = b.cfg.Conn.PublishMsg(answer)
}

func memberAnswer(ctx context.Context, question []byte, member func(context.Context, event.MembershipQuery) (bool, error)) *nats.Msg {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var q event.MembershipQuery
	if err := json.Unmarshal(question, &q); err != nil {
		return questionRefused("400", err)
	}
	yes, err := member(ctx, q)
	if err != nil {
		return questionRefused("502", err)
	}
	data, err := json.Marshal(event.MembershipAnswer{Member: yes})
	if err != nil {
		return questionRefused("500", err)
	}
	return &nats.Msg{Data: data}
}

func questionRefused(code string, err error) *nats.Msg {
	return &nats.Msg{Header: nats.Header{micro.ErrorHeader: {oneLine(err.Error())}, micro.ErrorCodeHeader: {code}}}
}
