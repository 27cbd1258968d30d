package rocketchat

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// RoomKind is what kind of room one is ("t").
type RoomKind string

// The kinds of rooms.
const (
	Channel  RoomKind = "c"
	Group    RoomKind = "p"
	Direct   RoomKind = "d"
	LiveChat RoomKind = "l"
)

// family returns how the names of the endpoints for a kind of rooms begin.
func (k RoomKind) family() (string, error) {
	switch k {
	case Channel:
		return "channels", nil
	case Group:
		return "groups", nil
	case Direct:
		return "im", nil
	}
	return "", fmt.Errorf("rocketchat: rooms of the kind %q have no such endpoint", string(k))
}

// Room is a room as the REST API describes it. What the platform left out is empty or zero.
type Room struct {
	ID   string
	Kind RoomKind
	// Name is the room's unique name, and Title the one that people see; a direct room has none.
	Name, Title string
	// UserIDs and Usernames are who talks in a direct room.
	UserIDs, Usernames []string
	// ReadOnly rooms are for those who have the permission to post there; Archived ones are for nobody.
	ReadOnly, Archived bool
	// ParentID is the room in which a discussion was begun.
	ParentID string
	// LastMessage is when something was said last, and UpdatedAt when anything changed.
	LastMessage, UpdatedAt time.Time
}

// UnmarshalJSON reads a room. It wants an id; anything else that is not as it should be counts as left out. The room of a new
// direct conversation has its id as "rid".
func (r *Room) UnmarshalJSON(b []byte) error {
	var w struct {
		ID        loose         `json:"_id"`
		RoomID    loose         `json:"rid"`
		Kind      loose         `json:"t"`
		Name      loose         `json:"name"`
		Title     loose         `json:"fname"`
		UserIDs   listOf[loose] `json:"uids"`
		Usernames listOf[loose] `json:"usernames"`
		ReadOnly  truth         `json:"ro"`
		Archived  truth         `json:"archived"`
		Parent    loose         `json:"prid"`
		Last      instant       `json:"lm"`
		Updated   instant       `json:"_updatedAt"`
	}
	if err := decodeObject(b, &w); err != nil {
		return err
	}
	if w.ID == "" {
		w.ID = w.RoomID
	}
	if w.ID == "" {
		return fmt.Errorf("room without an id")
	}
	*r = Room{
		ID: string(w.ID), Kind: RoomKind(w.Kind), Name: string(w.Name), Title: string(w.Title), UserIDs: plainTexts(w.UserIDs.v),
		Usernames: plainTexts(w.Usernames.v), ReadOnly: bool(w.ReadOnly), Archived: bool(w.Archived), ParentID: string(w.Parent),
		LastMessage: w.Last.Time, UpdatedAt: w.Updated.Time,
	}
	return nil
}

func plainTexts(all []loose) []string {
	var texts []string
	for _, t := range all {
		texts = append(texts, string(t))
	}
	return texts
}

// User is a user as the REST API describes one. What the platform left out is empty.
type User struct {
	ID, Username, Name string
	// Type is "user", "bot", "app" or another; empty if the platform does not tell.
	Type string
	// Inactive users cannot log in.
	Inactive bool
	Roles    []string
	// AvatarURL is told of the own user alone.
	AvatarURL string
	// AvatarETag changes with the picture.
	AvatarETag string
	// Raw is the user as it came.
	Raw json.RawMessage
}

// Has reports whether the user has one of the roles.
func (u *User) Has(roles ...string) bool {
	return slices.ContainsFunc(roles, func(r string) bool { return slices.Contains(u.Roles, r) })
}

// UnmarshalJSON reads a user. It wants an id; anything else that is not as it should be counts as left out.
func (u *User) UnmarshalJSON(b []byte) error {
	var w struct {
		wireUser
		Active    lenient[*bool] `json:"active"`
		Roles     listOf[loose]  `json:"roles"`
		AvatarURL loose          `json:"avatarUrl"`
		ETag      loose          `json:"avatarETag"`
	}
	if err := decodeObject(b, &w); err != nil {
		return err
	}
	if w.ID == "" {
		return fmt.Errorf("user without an id")
	}
	*u = User{
		ID: string(w.ID), Username: string(w.Username), Name: string(w.Name), Type: string(w.Type), Roles: plainTexts(w.Roles.v),
		Inactive: w.Active.v != nil && !*w.Active.v, AvatarURL: string(w.AvatarURL), AvatarETag: string(w.ETag), Raw: slices.Clone(b),
	}
	return nil
}
