package event_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

type eventFault struct {
	of    func() event.Event
	spoil func(*event.Event)
	want  string
}

func eventFaults() map[string]eventFault {
	long := strings.Repeat("x", 513)
	return map[string]eventFault{
		"no id":                {created, func(e *event.Event) { e.ID = "" }, "id is empty"},
		"no type":              {created, func(e *event.Event) { e.Type = "" }, "type is empty"},
		"no time":              {created, func(e *event.Event) { e.Time = time.Time{} }, "time is missing"},
		"created nothing":      {created, func(e *event.Event) { e.Message = nil }, "chat.message.created without a message"},
		"edited nothing":       {edited, func(e *event.Event) { e.Message = nil }, "chat.message.edited without a message"},
		"deleted nothing":      {deleted, func(e *event.Event) { e.Message = nil }, "chat.message.deleted without a message"},
		"unknown type":         {other, func(e *event.Event) { e.Type = "chat.message.waved" }, "chat.message.waved without a message"},
		"no message id":        {created, func(e *event.Event) { e.Message.ID = "" }, "message without an id"},
		"other, no message id": {other, func(e *event.Event) { e.Message = &event.Message{} }, "message without an id"},
		"added nothing":        {reactionAdded, func(e *event.Event) { e.Reaction = nil }, "chat.reaction.added without a reaction"},
		"removed nothing":      {reactionRemoved, func(e *event.Event) { e.Reaction = nil }, "chat.reaction.removed without a reaction"},
		"reaction to nothing":  {reactionAdded, func(e *event.Event) { e.Reaction.Message = "" }, "without the id of its message"},
		"no emoji":             {reactionRemoved, func(e *event.Event) { e.Reaction.Emoji = "" }, "without an emoji"},
		"no connection":        {created, func(e *event.Event) { e.Thread.Connection = "" }, "connection is empty"},
		"bad connection":       {reactionAdded, func(e *event.Event) { e.Thread.Connection = "a.b" }, `connection "a.b"`},
		"long conversation":    {created, func(e *event.Event) { e.Thread.Conversation = event.ConversationID(long) }, "conversation is 513 bytes long"},
		"long root":            {created, func(e *event.Event) { e.Thread.Root = event.MessageID(long) }, "root is 513 bytes long"},
	}
}

func TestEventValidate(t *testing.T) {
	for name, c := range eventFaults() {
		t.Run(name, func(t *testing.T) {
			e := c.of()
			if err := e.Validate(); err != nil {
				t.Fatal(err)
			}
			c.spoil(&e)
			if _, err := e.Encode(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

type actionFault struct {
	of    func() event.Action
	spoil func(*event.Action)
	want  string
}

func actionFaults() map[string]actionFault {
	return map[string]actionFault{
		"no id":                   {reply, func(a *event.Action) { a.ID = "" }, "id is empty"},
		"unknown type":            {reply, func(a *event.Action) { a.Type = "dance" }, `unknown type "dance"`},
		"no bot":                  {reply, func(a *event.Action) { a.Bot = "" }, "bot is empty"},
		"reply to nowhere":        {reply, func(a *event.Action) { a.Thread.Conversation = "" }, "reply without a conversation"},
		"delete in nowhere":       {remove, func(a *event.Action) { a.Thread.Conversation = "" }, "delete without a conversation"},
		"no root":                 {reply, func(a *event.Action) { a.Thread.Root = "" }, "reply without a root"},
		"reply of nothing":        {reply, func(a *event.Action) { a.Text = "" }, "reply without text"},
		"post of nothing":         {post, func(a *event.Action) { a.Attachments = nil }, "post without text"},
		"attachment of nothing":   {replyWithAll, func(a *event.Action) { a.Attachments[1].URL = "" }, "reply: attachment 1 has no URL"},
		"custom without kind":     {replyWithAll, func(a *event.Action) { a.Custom.Kind = "" }, "custom content wants a kind and a JSON object"},
		"custom without data":     {replyWithAll, func(a *event.Action) { a.Custom.Data = nil }, "custom content wants a kind and a JSON object"},
		"custom list":             {replyWithAll, func(a *event.Action) { a.Custom.Data = json.RawMessage(`[1]`) }, "custom content wants a kind and a JSON object"},
		"metadata list":           {replyWithAll, func(a *event.Action) { a.Metadata = json.RawMessage(`[1]`) }, "metadata is not a JSON object"},
		"metadata null":           {post, func(a *event.Action) { a.Metadata = json.RawMessage(`null`) }, "metadata is not a JSON object"},
		"metadata of an edit":     {edit, func(a *event.Action) { a.Metadata = json.RawMessage(`"x"`) }, "metadata is not a JSON object"},
		"identity of nobody":      {replyWithAll, func(a *event.Action) { a.As = "" }, "an identity, and no user whose it is"},
		"reply to several":        {reply, func(a *event.Action) { a.Also = &event.Recipients{Users: []event.UserID{"zoe"}} }, "reply with further recipients"},
		"reaction to several":     {react, func(a *event.Action) { a.Also = &event.Recipients{} }, "react with further recipients"},
		"edit to nothing":         {edit, func(a *event.Action) { a.Text = "" }, "edit without text"},
		"edit of nothing":         {edit, func(a *event.Action) { a.Target = "" }, "edit without a target"},
		"delete of nothing":       {remove, func(a *event.Action) { a.Target = "" }, "delete without a target"},
		"reaction to nothing":     {react, func(a *event.Action) { a.Target = "" }, "react without a target"},
		"no reaction":             {react, func(a *event.Action) { a.Emoji = "" }, "react without an emoji"},
		"no reaction to nothing":  {unreact, func(a *event.Action) { a.Target = "" }, "unreact without a target"},
		"no reaction taken away":  {unreact, func(a *event.Action) { a.Emoji = "" }, "unreact without an emoji"},
		"two targets":             {edit, func(a *event.Action) { a.TargetAction = "x" }, "edit with two targets"},
		"a reply to no action":    {replyAfter, func(a *event.Action) { a.Follows = "" }, "reply without a root, and no action"},
		"a long id to follow":     {replyAfter, func(a *event.Action) { a.Follows = event.ActionID(strings.Repeat("x", 513)) }, "it follows is 513 bytes long"},
		"an edit of no action":    {editAfter, func(a *event.Action) { a.TargetAction = "" }, "edit without a target"},
		"no connection":           {reply, func(a *event.Action) { a.Thread.Connection = "" }, "connection is empty"},
		"root longer than a lane": {edit, func(a *event.Action) { a.Thread.Root = event.MessageID(strings.Repeat("x", 513)) }, "root is 513 bytes long"},
	}
}

func TestActionValidate(t *testing.T) {
	for name, c := range actionFaults() {
		t.Run(name, func(t *testing.T) {
			a := c.of()
			if err := a.Validate(); err != nil {
				t.Fatal(err)
			}
			c.spoil(&a)
			if _, err := a.Encode(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestActionsThatAreFine(t *testing.T) {
	for name, change := range map[string]func(*event.Action){
		"post without a root":    func(a *event.Action) { a.Type, a.Thread.Root = event.Post, "" },
		"attachments alone":      func(a *event.Action) { a.Text, a.Attachments = "", []event.MediaRef{{URL: "https://example.org/a"}} },
		"custom alone":           func(a *event.Action) { a.Text, a.Custom = "", &event.Custom{Kind: "k", Data: json.RawMessage(`{}`)} },
		"edit without a root":    func(a *event.Action) { a.Type, a.Target, a.Thread.Root = event.Edit, "43", "" },
		"edit with metadata":     func(a *event.Action) { a.Type, a.Target, a.Metadata = event.Edit, "43", json.RawMessage(` {"a":1}`) },
		"nobody's in particular": func(a *event.Action) { a.As = "" },
	} {
		a := reply()
		change(&a)
		if err := a.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type receiptFault struct {
	of    func() event.Receipt
	spoil func(*event.Receipt)
	want  string
}

func receiptFaults() map[string]receiptFault {
	return map[string]receiptFault{
		"no id":          {receipt, func(r *event.Receipt) { r.ID = "" }, "id is empty"},
		"no action":      {receipt, func(r *event.Receipt) { r.Action = "" }, "action is empty"},
		"no type":        {receipt, func(r *event.Receipt) { r.Type = "" }, "type is empty"},
		"no bot":         {receipt, func(r *event.Receipt) { r.Bot = "" }, "bot is empty"},
		"no outcome":     {receipt, func(r *event.Receipt) { r.Outcome = "" }, `unknown outcome ""`},
		"failed, no why": {receiptFailed, func(r *event.Receipt) { r.Kind = "" }, "failed without a kind"},
		"no connection":  {receipt, func(r *event.Receipt) { r.Thread.Connection = "" }, "connection is empty"},
	}
}

func TestReceiptValidate(t *testing.T) {
	faults := receiptFaults()
	faults["no time"] = receiptFault{receipt, func(r *event.Receipt) { r.Time = time.Time{} }, "time is missing"}
	for name, c := range faults {
		t.Run(name, func(t *testing.T) {
			r := c.of()
			if err := r.Validate(); err != nil {
				t.Fatal(err)
			}
			c.spoil(&r)
			if _, err := r.Encode(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}
