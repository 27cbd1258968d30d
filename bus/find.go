package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// query asks for the first message from a sequence on that matches a subject.
type query struct {
	from    uint64
	subject string
	known   uint64 // a sequence that the stream is known to have reached
}

// find returns the message that q asks for, or nil if there is none. A new leader that has not come to what its cluster has
// stored yet is not believed: only one that has reached q.known can say that something is not there.
func (s *subscription) find(ctx context.Context, q query) (*jetstream.RawStreamMsg, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	m, err := s.stream.GetMsg(ctx, q.from, jetstream.WithGetMsgSubject(q.subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		info, infoErr := s.stream.Info(ctx)
		if infoErr != nil || info.State.LastSeq < q.known {
			return nil, fmt.Errorf("bus: look for %s from %d: the stream's leader does not know yet: %w", q.subject, q.from, errors.Join(infoErr, err))
		}
		m, err = s.stream.GetMsg(ctx, q.from, jetstream.WithGetMsgSubject(q.subject))
	}
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("bus: look for %s from %d: %w", q.subject, q.from, err)
	}
	return m, nil
}
