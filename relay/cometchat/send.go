package cometchat

import (
	"context"
	"fmt"
	"net/http"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// markerKey is the key of our marker in data.metadata.
const markerKey = "threadrelay"

// wireSend is the body of POST /messages and of POST /messages/{id}/thread (document "chat-apis").
type wireSend struct {
	Receiver     string       `json:"receiver"`
	ReceiverType string       `json:"receiverType"`
	Category     string       `json:"category"`
	Type         string       `json:"type"`
	Data         wireSendData `json:"data"`
	MUID         string       `json:"muid,omitempty"`
}

type wireSendData struct {
	Text     string                `json:"text"`
	Metadata map[string]wireMarker `json:"metadata"`
}

// Send says an action's text: a Reply in the thread of its root, a Post in the conversation. It is one call, never repeated
// here; whether the platform drops a repeated one is not documented. Every error is a [*relay.Failure]; an answer that
// cannot be read is Temporary. The receipt's time is zero if the platform does not tell it.
func (c *Connection) Send(ctx context.Context, a event.Action) (event.Receipt, error) {
	k, err := c.sendCall(a)
	if err != nil {
		return event.Receipt{}, &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("cometchat: %w", err)}
	}
	data, err := c.do(ctx, k)
	if err != nil {
		return event.Receipt{}, failure(fmt.Errorf("cometchat: send %s: %w", a.ID, err), a.Type == event.Reply)
	}
	var sent struct {
		ID     text    `json:"id"`
		SentAt instant `json:"sentAt"`
	}
	err = decodeData(data, &sent)
	if err == nil {
		_, err = messageID(sent.ID)
	}
	if err != nil {
		err = fmt.Errorf("cometchat: send %s: the answer cannot be read: %w", a.ID, err)
		return event.Receipt{}, &relay.Failure{Kind: relay.Temporary, Err: err}
	}
	return event.Receipt{Action: a.ID, Message: event.MessageID(sent.ID), Time: sent.SentAt.Time}, nil
}

// sendCall returns the call that carries out an action, or why there is none.
func (c *Connection) sendCall(a event.Action) (call, error) {
	if err := a.Validate(); err != nil {
		return call{}, err
	}
	as, err := c.actor(a.As)
	if err != nil {
		return call{}, fmt.Errorf("action %s: %w", a.ID, err)
	}
	to, kind, err := receiver(a.Thread.Conversation, as)
	if err != nil {
		return call{}, fmt.Errorf("action %s: %w", a.ID, err)
	}
	body := wireSend{
		Receiver: to, ReceiverType: kind, Category: "message", Type: "text",
		Data: wireSendData{
			Text:     a.Text,
			Metadata: map[string]wireMarker{markerKey: {Action: string(a.ID), Bot: a.Bot}},
		},
	}
	k := call{method: http.MethodPost, path: []string{"messages"}, as: as}
	if a.Type == event.Reply {
		root, err := messageID(text(a.Thread.Root))
		if err != nil {
			return call{}, fmt.Errorf("action %s: root %q: %w", a.ID, a.Thread.Root, err)
		}
		k.path = append(k.path, root, "thread")
	} else {
		body.MUID = string(a.ID)
	}
	k.body = body
	return k, nil
}

// actor returns the user in whose name something is done. Without one the platform would do it as app_system.
func (c *Connection) actor(as event.UserID) (string, error) {
	if as == "" {
		as = c.self
	}
	if as == "" {
		return "", fmt.Errorf("connection %q has no BotUID, and no user is named to act as", c.id)
	}
	user, err := uid(string(as))
	if err != nil {
		return "", fmt.Errorf("user %q: %w", as, err)
	}
	return user, nil
}
