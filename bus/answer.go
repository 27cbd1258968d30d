package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/threadrelay/threadrelay/bus/event"
)

// maxAnswers bounds the questions that are being answered at the same time; further ones wait.
const maxAnswers = 64

// Answers is what a relay answers bots' questions with. A function that is nil leaves its kind of question unanswered; an error
// that holds a [Refusal] tells the asker that one.
type Answers struct {
	// Connections are those that this process can answer about.
	Connections  []event.ConnectionID
	Member       func(context.Context, event.MembershipQuery) (bool, error)
	Thread       func(context.Context, event.HistoryQuery) (event.HistoryAnswer, error)
	Conversation func(context.Context, event.HistoryQuery) (event.HistoryAnswer, error)
	User         func(context.Context, event.UserQuery) (event.User, error)
}

// answerer answers a question as it came.
type answerer func(ctx context.Context, question []byte) *nats.Msg

// kinds returns who answers the kinds of questions.
func (a Answers) kinds() map[string]answerer {
	kinds := make(map[string]answerer)
	if a.Member != nil {
		kinds[memberQuestion] = answers(func(ctx context.Context, q event.MembershipQuery) (event.MembershipAnswer, error) {
			yes, err := a.Member(ctx, q)
			return event.MembershipAnswer{Member: yes}, err
		})
	}
	if a.Thread != nil {
		kinds[threadQuestion] = answers(a.Thread)
	}
	if a.Conversation != nil {
		kinds[conversationQuestion] = answers(a.Conversation)
	}
	if a.User != nil {
		kinds[userQuestion] = answers(func(ctx context.Context, q event.UserQuery) (event.UserAnswer, error) {
			user, err := a.User(ctx, q)
			return event.UserAnswer{User: user}, err
		})
	}
	return kinds
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
	for kind, answer := range a.kinds() {
		handler := micro.HandlerFunc(func(r micro.Request) {
			places <- struct{}{}
			go func() {
				defer func() { <-places }()
				b.reply(r.Reply(), answer(ctx, r.Data()))
			}()
		})
		for _, c := range a.Connections {
			if err := svc.AddEndpoint(kind+"-"+string(c), handler, micro.WithEndpointSubject(querySubject(string(c), kind))); err != nil {
				return nil, errors.Join(fmt.Errorf("bus: serve questions about %s: %w", c, err), svc.Stop())
			}
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
	if most := b.cfg.Conn.MaxPayload(); most > 0 && int64(answer.Size()) > most {
		answer = (&Refusal{Code: RefusedTooLarge, Reason: "the answer is larger than the bus carries"}).message()
		answer.Subject = to
	}
	_ = b.cfg.Conn.PublishMsg(answer)
}

// answers decodes the questions of a kind, and encodes the answers.
func answers[Q, A any](answer func(context.Context, Q) (A, error)) answerer {
	return func(ctx context.Context, question []byte) *nats.Msg {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		var q Q
		if err := json.Unmarshal(question, &q); err != nil {
			return (&Refusal{Code: RefusedRejected, Reason: err.Error()}).message()
		}
		a, err := answer(ctx, q)
		if err != nil {
			return refusalFor(err).message()
		}
		data, err := json.Marshal(a)
		if err != nil {
			return refusalFor(err).message()
		}
		return &nats.Msg{Data: data}
	}
}

// refusalFor is what an error tells the asker.
func refusalFor(err error) *Refusal {
	told := Refusal{Code: RefusedTemporary, Reason: err.Error()}
	var r *Refusal
	if errors.As(err, &r) {
		told.Code, told.After = r.Code, r.After
	}
	return &told
}
