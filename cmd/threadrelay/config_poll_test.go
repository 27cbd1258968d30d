package main

import (
	"slices"
	"strings"
	"testing"
)

func TestPollFaults(t *testing.T) {
	withBot := func(more ...string) []string { return comet(append([]string{"COMETCHAT_BOT_UID=helper"}, more...)...) }
	tests := []struct {
		name    string
		environ []string
		want    string
	}{
		{"off", comet("COMETCHAT_POLL=off"), ""},
		{"off in capitals", comet("COMETCHAT_POLL=Off"), ""},
		{"everything", comet("COMETCHAT_POLL=app"), ""},
		{"one of each", withBot("COMETCHAT_POLL=user/ana, ben,group/eng, thread/4711"), ""},
		{"a user called off", withBot("COMETCHAT_POLL=user/off"), ""},
		{"group without a bot", comet("COMETCHAT_POLL=group/eng"), ""},
		{"user without a bot", comet("COMETCHAT_POLL=ana"), `COMETCHAT_POLL: source "user/ana": connection "cometchat" has no BotUID`},
		{"the bot itself", withBot("COMETCHAT_POLL=Helper"), `COMETCHAT_POLL: source "user/helper": that is the bot itself`},
		{"empty item", comet("COMETCHAT_POLL=app,,group/a"), "COMETCHAT_POLL: item 2 is empty"},
		{"off beside others", comet("COMETCHAT_POLL=app,off"), "COMETCHAT_POLL: off stands beside sources"},
		{"repeated", comet("COMETCHAT_POLL=group/a,group/a"), `COMETCHAT_POLL: "group/a" is repeated`},
		{"repeated in another form", withBot("COMETCHAT_POLL=user/ana,ANA"), `COMETCHAT_POLL: "ANA" is repeated`},
		{"unknown kind", comet("COMETCHAT_POLL=room/a"), `COMETCHAT_POLL: source "room/a": want app, user/<uid>, group/<guid> or thread/<id>`},
		{"no id", comet("COMETCHAT_POLL=group/"), `COMETCHAT_POLL: source "group/": id is missing`},
		{"a thread by name", comet("COMETCHAT_POLL=thread/x"), `COMETCHAT_POLL: source "thread/x": message id is not a decimal number`},
		{"interval", comet("COMETCHAT_POLL_INTERVAL=99ms"), "COMETCHAT_POLL_INTERVAL: 99ms is too short; allowed: a duration of at least 100ms"},
		{"no interval", comet("COMETCHAT_POLL_INTERVAL=often"), `COMETCHAT_POLL_INTERVAL: "often" is not a duration`},
		{"a sender's limit", comet("COMETCHAT_SENDER_LIMIT=30/1m"), ""},
		{"no limit", comet("COMETCHAT_SENDER_LIMIT=Learn"), ""},
		{"half a limit", comet("COMETCHAT_SENDER_LIMIT=30"), `COMETCHAT_SENDER_LIMIT: "30" is neither learn nor a rate`},
		{"backfill", comet("COMETCHAT_POLL_BACKFILL=24h"), ""},
		{"negative backfill", comet("COMETCHAT_POLL_BACKFILL=-1h"), "COMETCHAT_POLL_BACKFILL: -1h0m0s is negative"},
		{"without a connection", []string{"COMETCHAT_POLL=room/a"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadConfig(tt.environ)
			onlyFault(t, err, tt.want)
			if err != nil && strings.Contains(err.Error(), "key-s3cret") {
				t.Errorf("fault shows a secret: %v", err)
			}
		})
	}
}

// However a source is written, its cursor is kept under one name.
func TestSourcesHaveOneForm(t *testing.T) {
	tests := []struct {
		poll list
		want []string
	}{
		{nil, nil},
		{list{"off"}, nil},
		{list{"APP"}, []string{"app"}},
		{list{"Ana", "user/BEN", "group/Eng", "thread/7"}, []string{"user/ana", "user/ben", "group/eng", "thread/7"}},
	}
	for _, tt := range tests {
		if got := (cometchatConfig{Poll: tt.poll}).sources(); !slices.Equal(got, tt.want) {
			t.Errorf("sources of %q are %q, want %q", tt.poll, got, tt.want)
		}
	}
}
