package rocketchat

import (
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var (
	_ relay.Capable = (*Connection)(nil)
	_ relay.Metered = (*Connection)(nil)
)

// maxText bounds the text of a message, in UTF-16 code units: the server's default of the setting Message_MaxAllowedSize.
const maxText = 5000

// maxAttachment bounds an attachment: the server's default of the setting FileUpload_MaxFileSize.
const maxAttachment = 100 << 20

// Capabilities tells what Rocket.Chat can do. The budget is the server's default of 10 calls of a route per minute, counted by
// address; an account that may bypass it has none, which is known once the server was heard or the account looked up.
func (c *Connection) Capabilities() event.Capabilities {
	can := event.Capabilities{
		TextLimit: maxText, TextUnit: "utf16", Edit: true, Delete: true, React: true, AttachmentLimit: maxAttachment,
		Identity: event.Alias, Idempotence: event.Native,
	}
	if !c.alias.allowed(c.now()) {
		can.Identity = event.NoIdentity
	}
	if !c.bypasses() {
		can.Budgets = []event.Budget{{Scope: "route", N: 10, Per: time.Minute}}
	}
	return can
}

// bypasses reports whether the account is known to have no rate limits.
func (c *Connection) bypasses() bool {
	if c.client.limits.told() {
		return false
	}
	me, known := c.known.self.get("", c.now())
	return c.client.limits.absent() || known && me.Has(bypassRoles()...)
}

// bypassRoles are the roles that have the permission "api-bypass-rate-limit" unless that was changed.
func bypassRoles() []string { return []string{"bot", "app", "admin"} }

// Charges tells which routes carrying out an action calls. Look-ups whose answer is remembered are not among them, nor those
// of users that a text mentions.
func (c *Connection) Charges(a event.Action) []relay.Charge {
	charge := func(route string, calls int) relay.Charge {
		return relay.Charge{Group: routeGroup(route), Calls: calls}
	}
	s, err := c.sending(a)
	if err != nil { // which asks nobody
		return nil
	}
	switch a.Type {
	case event.Edit:
		return []relay.Charge{charge("chat.update", 1)}
	case event.Delete:
		return []relay.Charge{charge("chat.delete", 1)}
	case event.React, event.Unreact:
		return []relay.Charge{charge("chat.react", 1)}
	}
	var all []relay.Charge
	if _, known := c.roots.get(s.root, c.now()); s.root != "" && !known {
		all = append(all, charge("chat.getMessage", 1))
	}
	if s.text != "" {
		all = append(all, charge("chat.sendMessage", len(splitText(s.text, maxText-utf16Len(s.face.prefix)))))
	}
	if n := len(a.Attachments); n > 0 {
		all = append(all, charge("rooms.media", n), charge("rooms.mediaConfirm", n))
	}
	return all
}
