package main

import (
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/rocketchat"
)

// rocketchatID is the connection that the environment makes.
const rocketchatID event.ConnectionID = "rocketchat"

// allRooms is the source that stands for all rooms that the user is in.
const allRooms = "rooms"

// defaultRoomInterval is that of ROCKETCHAT_POLL_INTERVAL.
const defaultRoomInterval = 10 * time.Second

// rocketchatSetup is a user of a Rocket.Chat workspace, and what is read there.
type rocketchatSetup struct {
	Config rocketchat.Config
	Poll   polling
}

// complete fills in what follows from the rest: who listens to no room in particular, listens to all.
func (c *rocketchatSetup) complete() {
	if c.Config.Realtime && len(c.Poll.sources) == 0 {
		c.Poll.sources = []string{allRooms}
	}
	if !slices.Contains(c.Poll.sources, allRooms) {
		c.Config.Rooms = c.Poll.sources
	}
}

// open makes the connection.
func (c rocketchatSetup) open() (connection, error) {
	ver, _ := buildVersion()
	c.Config.UserAgent = "threadrelay/" + ver
	m := new(meter)
	c.Config.Meter = m.observe
	platform, err := rocketchat.New(c.Config)
	if err != nil {
		return connection{}, err
	}
	return connection{id: platform.ID(), platform: platform, hooked: c.Config.WebhookToken != "", poll: c.Poll, realtime: c.Config.Realtime, meter: m}, nil
}

// warnings are what is allowed and yet probably not meant.
func (c rocketchatSetup) warnings(ingests bool) []string {
	var out []string
	if plainHTTP(c.Config.URL) {
		out = append(out, "url is plain http to another machine: the token travels unencrypted")
	}
	switch {
	case len(c.Poll.sources) > 0 && !ingests:
		out = append(out, "rooms and realtime have no effect, because THREADRELAY_ROLES does not name ingest")
	case len(c.Poll.sources) == 0 && ingests && c.Config.WebhookToken == "":
		out = append(out, "nothing comes in: it has neither webhook nor rooms nor realtime")
	}
	if len(c.Poll.sources) > 1 && slices.Contains(c.Poll.sources, allRooms) {
		out = append(out, "rooms names rooms, which is all of them, and others besides: those are read twice")
	}
	return out
}

// readRocketChat reads the keys of a connection to Rocket.Chat.
func readRocketChat(m *mapping, id event.ConnectionID) setup {
	c := rocketchatSetup{Config: rocketchat.Config{
		ID: id, URL: m.address("url"), CAFile: m.authorities("ca"), UserID: m.text("user_id"), AuthToken: m.text("auth_token"), Realtime: m.flag("realtime"),
	}}
	m.require("url", "user_id", "auth_token")
	hook := m.child("webhook")
	if hook != nil {
		hook.require("token")
		c.Config.WebhookToken = hook.text("token")
		hook.done()
	}
	c.Poll.interval = defaultRoomInterval
	if poll := m.child("poll"); poll != nil {
		if interval := poll.duration("interval", minPollInterval); interval != 0 {
			c.Poll.interval = interval
		}
		c.Poll.backfill = poll.duration("backfill", 0)
		poll.done()
	}
	c.readRooms(m)
	c.complete()
	m.blame(c.Config.Validate(), map[string]spot{
		"URL": {m, "url"}, "UserID": {m, "user_id"}, "AuthToken": {m, "auth_token"}, "WebhookToken": {hook, "token"},
	})
	return c
}

// readRooms reads which rooms are polled and listened to.
func (c *rocketchatSetup) readRooms(m *mapping) {
	for _, room := range m.list("rooms") {
		switch err := new(rocketchat.Connection).CheckSource(room.text); {
		case slices.Contains(c.Poll.sources, room.text):
			m.itemFault("rooms", room.at, room.shown()+" is repeated")
		case err != nil && room.hidden():
			m.itemFault("rooms", room.at, "what "+room.shown()+" stands for is no room; want rooms, a room's id, #name or @username")
		case err != nil:
			m.itemFault("rooms", room.at, err.Error())
		default:
			c.Poll.sources = append(c.Poll.sources, room.text)
		}
	}
}
