package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/relay/egress"
	"github.com/threadrelay/threadrelay/relay/rocketchat"
)

// rocketchatConfig is the connection named rocketchat.
type rocketchatConfig struct {
	URL          string        `env:"ROCKETCHAT_URL" help:"address of the workspace, such as https://chat.example.org; with a user id and a token it makes the connection rocketchat" allowed:"an http or https address without credentials, query and fragment, and without /api/v1"`
	CA           string        `env:"ROCKETCHAT_CA" help:"path of a PEM file with authorities that are trusted besides the machine's, for servers and proxies with certificates of their own" allowed:"the path of a file with certificates in PEM"`
	UserID       string        `env:"ROCKETCHAT_USER_ID" help:"id (not the username) of the user as whom bots answer" allowed:"the user id that Rocket.Chat shows beside a personal access token"`
	AuthToken    secret        `env:"ROCKETCHAT_AUTH_TOKEN" help:"personal access token of that user" allowed:"a personal access token of Rocket.Chat"`
	WebhookToken secret        `env:"ROCKETCHAT_WEBHOOK_TOKEN" help:"token that outgoing webhooks must carry; without it the hook refuses everyone" allowed:"the token of an outgoing webhook integration"`
	Rooms        list          `env:"ROCKETCHAT_ROOMS" help:"rooms to poll and, with realtime, to listen to: a comma list of ids, #names and @users (the direct messages with them), or rooms for all that the user is in" allowed:"a comma list of room ids, #names and @users, each at most once, or rooms"`
	Realtime     bool          `env:"ROCKETCHAT_REALTIME" envDefault:"false" help:"listen to the realtime stream of these rooms besides polling them; without ROCKETCHAT_ROOMS, of all rooms that the user is in" allowed:"true, false"`
	PollInterval time.Duration `env:"ROCKETCHAT_POLL_INTERVAL" envDefault:"10s" help:"poll of an active room; idle ones slow down to 12 times that, further when the rate limit demands it" allowed:"a duration of at least 100ms, such as 10s"`
	PollBackfill time.Duration `env:"ROCKETCHAT_POLL_BACKFILL" envDefault:"0" help:"how far into the past a room is read that was never polled before; 0 is from now on" allowed:"0, or a duration such as 24h"`
}

// enabled reports whether the environment describes a Rocket.Chat connection at all.
func (c rocketchatConfig) enabled() bool { return c.URL != "" || c.UserID != "" || c.AuthToken != "" }

// validate checks the connection if there is one.
func (c rocketchatConfig) validate(found *faults) {
	if !c.enabled() {
		return
	}
	for name, missing := range map[string]bool{
		"ROCKETCHAT_URL": c.URL == "", "ROCKETCHAT_USER_ID": c.UserID == "", "ROCKETCHAT_AUTH_TOKEN": c.AuthToken == "",
	} {
		if missing {
			found.add(name, "is required for the Rocket.Chat connection")
		}
	}
	if c.URL != "" {
		if err := checkHTTP(c.URL); err != nil {
			found.add("ROCKETCHAT_URL", err.Error())
		}
	}
	if c.CA != "" && !holdsContents("ROCKETCHAT_CA", c.CA, found) {
		if _, err := egress.Authorities(c.CA); err != nil {
			found.add("ROCKETCHAT_CA", err.Error())
		}
	}
	if c.PollInterval < minPollInterval {
		found.add("ROCKETCHAT_POLL_INTERVAL", fmt.Sprintf("%s is too short", c.PollInterval))
	}
	if c.PollBackfill < 0 {
		found.add("ROCKETCHAT_POLL_BACKFILL", fmt.Sprintf("%s is negative", c.PollBackfill))
	}
	c.validateRooms(found)
}

// validateRooms checks the rooms by the platform's own rules.
func (c rocketchatConfig) validateRooms(found *faults) {
	var platform rocketchat.Connection // any will do
	for i, room := range c.Rooms {
		switch {
		case room == "":
			found.add("ROCKETCHAT_ROOMS", fmt.Sprintf("item %d is empty", i+1))
		case slices.Contains(c.Rooms[:i], room):
			found.add("ROCKETCHAT_ROOMS", fmt.Sprintf("%q is repeated", room))
		default:
			if err := platform.CheckSource(room); err != nil {
				found.add("ROCKETCHAT_ROOMS", err.Error())
			}
		}
	}
}

// warnings are what is allowed and yet probably not meant; ingests says whether this process takes events in.
func (c rocketchatConfig) warnings(ingests bool) []string {
	if !c.enabled() {
		if c.WebhookToken != "" || len(c.Rooms) > 0 || c.Realtime {
			return []string{"ROCKETCHAT_WEBHOOK_TOKEN, ROCKETCHAT_ROOMS and ROCKETCHAT_REALTIME have no effect without a Rocket.Chat connection"}
		}
		return nil
	}
	var out []string
	if plainHTTP(c.URL) {
		out = append(out, "ROCKETCHAT_URL is plain http to another machine: the token travels unencrypted")
	}
	s := c.setup()
	switch {
	case len(s.Poll.sources) > 0 && !ingests:
		out = append(out, "ROCKETCHAT_ROOMS and ROCKETCHAT_REALTIME have no effect, because THREADRELAY_ROLES does not name ingest")
	case len(s.Poll.sources) == 0 && ingests && c.WebhookToken == "":
		out = append(out, "nothing comes in from Rocket.Chat: neither ROCKETCHAT_WEBHOOK_TOKEN nor ROCKETCHAT_ROOMS nor ROCKETCHAT_REALTIME is set")
	}
	if len(c.Rooms) > 1 && slices.Contains(c.Rooms, allRooms) {
		out = append(out, "ROCKETCHAT_ROOMS names rooms, which is all of them, and others besides: those are read twice")
	}
	return out
}

// setup is what the connection is made from.
func (c rocketchatConfig) setup() rocketchatSetup {
	s := rocketchatSetup{
		Config: rocketchat.Config{
			ID: rocketchatID, URL: c.URL, CAFile: c.CA, UserID: c.UserID, AuthToken: c.AuthToken.Reveal(), WebhookToken: c.WebhookToken.Reveal(), Realtime: c.Realtime,
		},
		Poll: polling{sources: c.Rooms, interval: c.PollInterval, backfill: c.PollBackfill},
	}
	s.complete()
	return s
}
