package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/rocketchat"
)

// rocket are the variables of a complete Rocket.Chat connection.
func rocket(more ...string) []string {
	return append([]string{"ROCKETCHAT_URL=https://rc.example", "ROCKETCHAT_USER_ID=u1", "ROCKETCHAT_AUTH_TOKEN=t0ken"}, more...)
}

func TestRocketChatFaults(t *testing.T) {
	cases := []struct {
		name    string
		environ []string
		want    []string
	}{
		{"nothing", nil, nil},
		{"complete", rocket("ROCKETCHAT_ROOMS=#general,@ana,GENERAL123,rooms"), nil},
		{"an address alone", []string{"ROCKETCHAT_URL=https://rc.example"}, []string{"ROCKETCHAT_USER_ID: is required", "ROCKETCHAT_AUTH_TOKEN: is required"}},
		{"a token alone", []string{"ROCKETCHAT_AUTH_TOKEN=t0ken"}, []string{"ROCKETCHAT_URL: is required", "ROCKETCHAT_USER_ID: is required"}},
		{"no address", rocket("ROCKETCHAT_URL=rc.example"), []string{"ROCKETCHAT_URL: has neither the scheme"}},
		{"a secret in the address", rocket("ROCKETCHAT_URL=https://t0ken:x@rc.example"), []string{"ROCKETCHAT_URL: carries credentials"}},
		{"a gap", rocket("ROCKETCHAT_ROOMS=#general,,x"), []string{"ROCKETCHAT_ROOMS: item 2 is empty"}},
		{"a room twice", rocket("ROCKETCHAT_ROOMS=#general,#general"), []string{`ROCKETCHAT_ROOMS: "#general" is repeated`}},
		{"no room", rocket("ROCKETCHAT_ROOMS=#"), []string{`ROCKETCHAT_ROOMS: source "#"`}},
		{"no authorities", rocket("ROCKETCHAT_CA=/nowhere"), []string{"ROCKETCHAT_CA: cannot read"}},
		{"times", rocket("ROCKETCHAT_POLL_INTERVAL=1ms", "ROCKETCHAT_POLL_BACKFILL=-1h"), []string{"ROCKETCHAT_POLL_INTERVAL: 1ms is too short", "ROCKETCHAT_POLL_BACKFILL: -1h0m0s is negative"}},
		{"not a yes or no", rocket("ROCKETCHAT_REALTIME=perhaps"), []string{"ROCKETCHAT_REALTIME: "}},
	}
	for _, c := range cases {
		_, _, err := loadConfig(c.environ)
		if (err == nil) != (len(c.want) == 0) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "t0ken") {
				t.Errorf("%s: %v, want %q", c.name, err, want)
			}
		}
	}
}

func TestRocketChatWarnings(t *testing.T) {
	cases := []struct {
		name    string
		environ []string
		want    string // of the first that is not about there being no connection
	}{
		{"hooked", rocket("ROCKETCHAT_WEBHOOK_TOKEN=t0ken"), ""},
		{"polled", rocket("ROCKETCHAT_ROOMS=#a"), ""},
		{"listened to", rocket("ROCKETCHAT_REALTIME=true"), ""},
		{"deaf", rocket(), "nothing comes in from Rocket.Chat"},
		{"plain", rocket("ROCKETCHAT_URL=http://rc.example", "ROCKETCHAT_ROOMS=#a"), "travels unencrypted"},
		{"plain on this machine", rocket("ROCKETCHAT_URL=http://127.0.0.1:3000", "ROCKETCHAT_ROOMS=#a"), ""},
		{"not taken in", rocket("ROCKETCHAT_ROOMS=#a", "THREADRELAY_ROLES=deliver"), "does not name ingest"},
		{"all and more", rocket("ROCKETCHAT_ROOMS=rooms,#a"), "read twice"},
		{"no connection", []string{"ROCKETCHAT_ROOMS=#a"}, "no effect without a Rocket.Chat connection"},
	}
	for _, c := range cases {
		_, warnings, err := loadConfig(c.environ)
		warnings = slices.DeleteFunc(warnings, func(w string) bool { return strings.HasPrefix(w, "no connection") })
		if err != nil || (len(warnings) == 0) != (c.want == "") || len(warnings) > 0 && !strings.Contains(warnings[0], c.want) {
			t.Errorf("%s: warned %q (%v), want %q", c.name, warnings, err, c.want)
		}
	}
}

// The environment and the file make the same connection.
func TestRocketChatSetup(t *testing.T) {
	cases := []struct {
		environ []string
		file    string
		want    rocketchatSetup
	}{
		{
			rocket("ROCKETCHAT_WEBHOOK_TOKEN=h00k", "ROCKETCHAT_ROOMS=#a,@ana", "ROCKETCHAT_POLL_BACKFILL=1h"),
			`, webhook: {token: h00k}, rooms: ["#a", "@ana"], poll: {backfill: 1h}`,
			rocketchatSetup{
				Config: rocketchat.Config{URL: "https://rc.example", UserID: "u1", AuthToken: "t0ken", WebhookToken: "h00k", Rooms: []string{"#a", "@ana"}},
				Poll:   polling{sources: []string{"#a", "@ana"}, interval: 10 * time.Second, backfill: time.Hour},
			},
		},
		{
			rocket("ROCKETCHAT_REALTIME=true", "ROCKETCHAT_POLL_INTERVAL=3s"), ", realtime: true, poll: {interval: 3s}",
			rocketchatSetup{
				Config: rocketchat.Config{URL: "https://rc.example", UserID: "u1", AuthToken: "t0ken", Realtime: true},
				Poll:   polling{sources: []string{"rooms"}, interval: 3 * time.Second},
			},
		},
	}
	for _, c := range cases {
		cfg, _, err := loadConfig(c.environ)
		if err != nil {
			t.Fatal(err)
		}
		c.want.Config.ID = "rocketchat"
		if got := cfg.RocketChat.setup(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("the environment makes %+v %+v, want %+v %+v", got.Config, got.Poll, c.want.Config, c.want.Poll)
		}
		file, _, err := loadRouting(t, "connections: {ops: {platform: rocketchat, url: https://rc.example, user_id: u1, auth_token: t0ken"+c.file+"}}")
		if err != nil {
			t.Fatal(err)
		}
		c.want.Config.ID = "ops"
		if got := file.Routing.Connections[0].Setup.(rocketchatSetup); !reflect.DeepEqual(got, c.want) {
			t.Errorf("the file makes %+v %+v, want %+v %+v", got.Config, got.Poll, c.want.Config, c.want.Poll)
		}
	}
}
