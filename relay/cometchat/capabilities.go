package cometchat

import (
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Capable = (*Connection)(nil)

// maxText bounds the text of a message, in bytes.
const maxText = 8800

// Capabilities tells what CometChat can do (documents "articles/properties-and-constraints", "articles/rate-limits" and
// "rest-api/rate-limits"). The text limit leaves room for our marker within what Send puts into one message. The budgets are
// those of the classic plans: 20,000 calls per minute of an app, and 30 messages per minute of a sender, which the newer
// document alone names; the free plan has 500 calls, and which plan it is shows in the answers.
func (c *Connection) Capabilities() event.Capabilities {
	return event.Capabilities{
		TextLimit: maxText, TextUnit: "byte", Edit: true, Delete: true, React: true, AttachmentLimit: 100 << 20,
		Identity: event.Ghosts, Idempotence: event.ByMarker,
		Budgets: []event.Budget{
			{Scope: "connection", N: 20_000, Per: time.Minute},
			{Scope: "connection", N: appLimit, Per: time.Minute},
			{Scope: "sender", N: 30, Per: time.Minute},
		},
	}
}
