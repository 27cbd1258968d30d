package rocketchat

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Room returns a room by its id, or by its name as "#name" (rooms.info).
func (c *Client) Room(ctx context.Context, room string) (Room, error) {
	q := url.Values{}
	if name, found := strings.CutPrefix(room, "#"); found {
		q.Set("roomName", name)
	} else {
		q.Set("roomId", room)
	}
	var a struct {
		Room *Room `json:"room"`
	}
	err := c.get(ctx, "rooms.info", q, &a)
	if err == nil && a.Room == nil {
		err = errors.New("rooms.info: answer: without a room")
	}
	if err != nil {
		return Room{}, err
	}
	return *a.Room, nil
}

// Rooms returns the rooms that the user has joined (rooms.get): those that changed after a time, or with the zero time all.
func (c *Client) Rooms(ctx context.Context, since time.Time) ([]Room, error) {
	q := url.Values{}
	if !since.IsZero() {
		q.Set("updatedSince", formatTime(since))
	}
	var a struct {
		Update listOf[Room] `json:"update"`
	}
	err := c.get(ctx, "rooms.get", q, &a)
	return a.Update.v, err
}

// OpenDirect returns the direct room with a user, which is made if there is none yet (im.create).
func (c *Client) OpenDirect(ctx context.Context, username string) (Room, error) {
	var a struct {
		Room *Room `json:"room"`
	}
	err := c.post(ctx, "im.create", map[string]string{"username": username}, &a)
	if err == nil && a.Room == nil {
		err = errors.New("im.create: answer: without a room")
	}
	if err != nil {
		return Room{}, err
	}
	return *a.Room, nil
}

// Members says which members of a room are wanted.
type Members struct {
	Paging
	// Filter leaves those whose name or username holds it; empty for all.
	Filter string
}

// MembersPage returns a page of who is in a room (channels.members, groups.members or im.members, by the kind of the room).
func (c *Client) MembersPage(ctx context.Context, kind RoomKind, room string, m Members) (Page[User], error) {
	family, err := kind.family()
	if err != nil {
		return Page[User]{}, err
	}
	q := m.values(url.Values{"roomId": {room}})
	setText(q, "filter", m.Filter)
	var a struct {
		paged
		Members listOf[User] `json:"members"`
	}
	err = c.get(ctx, family+".members", q, &a)
	return pageOf(a.Members.v, a.paged), err
}

// IsMember reports whether a user, by id, is in a room (rooms.isMember).
func (c *Client) IsMember(ctx context.Context, room, user string) (bool, error) {
	var a struct {
		IsMember *bool `json:"isMember"`
	}
	err := c.get(ctx, "rooms.isMember", url.Values{"roomId": {room}, "userId": {user}}, &a)
	if err == nil && a.IsMember == nil {
		err = errors.New("rooms.isMember: the answer does not tell")
	}
	return err == nil && *a.IsMember, err
}

// MediaFile is an uploaded file that no message shows yet. The server drops it after a day.
type MediaFile struct{ ID, URL string }

// UploadMedia uploads a file to a room (rooms.media). A message shows it after [Client.ConfirmMedia].
func (c *Client) UploadMedia(ctx context.Context, room string, u Upload) (MediaFile, error) {
	var a struct {
		File struct {
			ID  loose `json:"_id"`
			URL loose `json:"url"`
		} `json:"file"`
	}
	err := c.Do(ctx, Request{Method: http.MethodPost, Route: "rooms.media", Path: []string{room}, Body: u}, &a)
	if err == nil && a.File.ID == "" {
		err = errors.New("rooms.media: answer: without a file")
	}
	return MediaFile{ID: string(a.File.ID), URL: string(a.File.URL)}, err
}

// MediaDraft is the message that shows an uploaded file.
type MediaDraft struct {
	Text string `json:"msg,omitempty"`
	// Description stands with the file.
	Description string `json:"description,omitempty"`
	ThreadID    string `json:"tmid,omitempty"`
	Alias       string `json:"alias,omitempty"`
	Avatar      string `json:"avatar,omitempty"`
	Emoji       string `json:"emoji,omitempty"`
}

// ConfirmMedia sends a message with an uploaded file (rooms.mediaConfirm) and returns it. Doing it again says it twice.
func (c *Client) ConfirmMedia(ctx context.Context, room, file string, d MediaDraft) (Message, error) {
	var a messageAnswer
	r := Request{Method: http.MethodPost, Route: "rooms.mediaConfirm", Path: []string{room, file}, Body: d}
	if err := c.Do(ctx, r, &a); err != nil {
		return Message{}, err
	}
	return a.one("rooms.mediaConfirm")
}
