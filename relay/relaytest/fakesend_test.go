package relaytest

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// Capabilities tells what the fake platform can do.
func (f *fake) Capabilities() event.Capabilities { return f.can }

// Send carries out an action.
func (f *fake) Send(ctx context.Context, a event.Action) (event.Receipt, error) {
	if err := f.fit(a); err != nil {
		return event.Receipt{}, err
	}
	r := event.Receipt{Action: a.ID, Message: a.Target, Time: time.Now().UTC()}
	var err error
	target := "/messages/" + string(a.Target)
	reaction := target + "/reactions/" + url.PathEscape("bot "+a.Emoji)
	switch a.Type {
	case event.Reply, event.Post:
		r, err = f.say(ctx, a)
	case event.Edit:
		text := a.Text
		if f.has("edits nothing") {
			text = "?"
		}
		err = f.ask(ctx, "PUT", target, message{Text: text}, nil)
	case event.Delete:
		method := "DELETE"
		if f.has("deletes nothing") {
			method = "GET"
		}
		err = f.ask(ctx, method, target, nil, nil)
	case event.React:
		if f.has("reacts to nothing") {
			reaction += "x"
		}
		err = f.ask(ctx, "PUT", reaction, nil, nil)
	case event.Unreact:
		if f.has("keeps reactions") {
			reaction += "x"
		}
		err = f.ask(ctx, "DELETE", reaction, nil, nil)
	}
	if err != nil {
		return event.Receipt{}, f.fail(string(a.Type), string(a.ID), err)
	}
	if f.has("invents receipts") {
		r.Message = "4711"
	}
	if f.has("forgets the action in receipts") {
		r.Action = ""
	}
	if f.has("dates receipts") {
		r.Time = time.Unix(5, 0)
	}
	return r, nil
}

// fit reports what makes an action unfit.
func (f *fake) fit(a event.Action) error {
	if f.has("sends what is unfit") && a.Type == event.Post && a.Thread.Conversation != "" {
		return nil
	}
	if f.has("returns what is unfit as it is") {
		if err := a.Validate(); err != nil {
			return err
		}
	}
	if err := a.Validate(); err != nil {
		return rejected("%w", err)
	}
	changes := a.Type != event.Reply && a.Type != event.Post
	switch {
	case !isConversation(a.Thread.Conversation), a.Type == event.Reply && !isID(a.Thread.Root), changes && !isID(a.Target):
		return rejected("%s: there is no such place", a.Type)
	case !able(f.can, a.Type) && !f.has("tries what it cannot"):
		return rejected("%s is not possible", a.Type)
	}
	return nil
}

// parts are the texts of an action's messages.
func (f *fake) parts(a event.Action) []string {
	text := a.Text
	if a.Identity != nil && f.can.Identity == event.NoIdentity && !f.has("hides who speaks") {
		text = a.Identity.Name + ": " + text
	}
	limit := f.can.TextLimit
	if f.has("splits too late") {
		limit += 5
	}
	if f.has("splits too early") {
		limit -= 5
	}
	var parts []string
	for runes := []rune(text); len(runes) > 0; {
		n := min(limit, len(runes))
		part := string(runes[:n])
		if f.has("splits within characters") && n < len(runes) && len(part) > n {
			part = part[:len(part)-1]
		}
		if f.has("adds to what it splits") && n < len(runes) {
			part = string(runes[:n-1]) + " "
			n--
		}
		parts = append(parts, part)
		runes = runes[n:]
	}
	switch {
	case f.has("loses the end"):
		parts = parts[:max(1, len(parts)-1)]
	case f.has("splits out of order") && len(parts) > 2:
		parts[0], parts[1] = parts[1], parts[0]
	}
	return parts
}

// say sends what is not there yet.
func (f *fake) say(ctx context.Context, a event.Action) (event.Receipt, error) {
	r := event.Receipt{Action: a.ID, Time: time.Now().UTC()}
	texts := f.parts(a)
	there := map[int]message{}
	if len(texts) > 1 && f.can.Idempotence == event.ByMarker && !f.has("says all parts again") {
		var err error
		if there, err = f.sent(ctx, a); err != nil {
			return r, err
		}
	}
	for i, text := range texts {
		m, ok := there[i]
		if !ok {
			out := f.draft(a, text, i)
			if err := f.ask(ctx, "POST", "/messages", out, &m); err != nil {
				return r, err
			}
			if f.has("says all twice") {
				_ = f.ask(ctx, "POST", "/messages", out, nil)
			}
		}
		r.Parts = append(r.Parts, event.MessageID(strconv.Itoa(m.ID)))
	}
	r.Message = r.Parts[0]
	if len(r.Parts) == 1 || f.has("forgets the parts in receipts") {
		r.Parts = nil
	}
	return r, nil
}

// draft is a message on its way out.
func (f *fake) draft(a event.Action, text string, part int) message {
	out := message{Conversation: string(a.Thread.Conversation), Text: text, Action: string(a.ID), Bot: a.Bot, Part: part}
	if a.Type == event.Reply && !f.has("replies outside of the thread") || a.Type == event.Post && f.has("posts into the thread") {
		out.Parent, _ = strconv.Atoi(string(a.Thread.Root))
	}
	if part > 0 && f.has("leaves the thread with the second part") {
		out.Parent = 0
	}
	if f.can.Identity == event.Ghosts && !f.has("speaks for nobody") {
		out.As = string(a.As)
	}
	if a.Identity != nil && f.can.Identity != event.NoIdentity && !f.has("names nobody") {
		out.Alias = a.Identity.Name
	}
	if f.has("does not bring ghosts up to date") && strings.Contains(out.Alias, "renamed") {
		out.Alias = ""
	}
	if f.has("trims texts") {
		out.Text = strings.Join(strings.Fields(text), " ")
	}
	if f.has("speaks elsewhere") {
		out.Conversation = "group/all"
	}
	if f.has("sends no marker") {
		out.Action = ""
	}
	return out
}

// sent are the messages that an action has become, by part.
func (f *fake) sent(ctx context.Context, a event.Action) (map[int]message, error) {
	var found []message
	if err := f.ask(ctx, "GET", "/find?action="+url.QueryEscape(string(a.ID)), nil, &found); err != nil {
		return nil, err
	}
	there := map[int]message{}
	for _, m := range found {
		there[m.Part] = m
	}
	return there, nil
}
