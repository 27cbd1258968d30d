package event

import "time"

// Capabilities is what a connection's platform can do, and the limits that others have to respect.
type Capabilities struct {
	// TextLimit is the longest text of one message, in TextUnit. Longer ones are sent as several.
	TextLimit int    `json:"textLimit"`
	TextUnit  string `json:"textUnit"` // "byte", "rune" or "utf16"
	Edit      bool   `json:"edit"`
	Delete    bool   `json:"delete"`
	React     bool   `json:"react"`
	// AttachmentLimit is the largest attachment in bytes; 0 if the platform takes none.
	AttachmentLimit int64        `json:"attachmentLimit"`
	Identity        IdentityKind `json:"identity"`
	Idempotence     Idempotence  `json:"idempotence"`
	// Budgets are the rate limits that the platform documents.
	Budgets []Budget `json:"budgets,omitempty"`
}

// IdentityKind says how a message is shown as somebody else's.
type IdentityKind string

// The kinds of identity.
const (
	// Ghosts are users of the platform that we make.
	Ghosts IdentityKind = "ghosts"
	// Alias is a name and a picture that a message is shown with.
	Alias IdentityKind = "alias"
	// NoIdentity leaves a prefix in the text.
	NoIdentity IdentityKind = "none"
)

// Idempotence says how a repeated send is kept from being seen twice.
type Idempotence string

// The kinds of idempotence.
const (
	// Native: the platform recognises a repeat by an id of ours.
	Native Idempotence = "native"
	// ByMarker: what was sent before can be looked up by a marker of ours.
	ByMarker Idempotence = "marker"
	// NoIdempotence: it cannot be told.
	NoIdempotence Idempotence = "none"
)

// Budget is a rate limit: N calls in each period of length Per.
type Budget struct {
	// Scope is what shares the budget: "connection", "sender" or "route".
	Scope string        `json:"scope"`
	N     int           `json:"n"`
	Per   time.Duration `json:"per"`
}
