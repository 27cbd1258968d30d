package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay/cometchat"
)

// cometchatID is the connection that the environment makes.
const cometchatID event.ConnectionID = "cometchat"

// defaultPollInterval is that of COMETCHAT_POLL_INTERVAL.
const defaultPollInterval = 5 * time.Second

// cometchatSetup is a CometChat app and how it is polled.
type cometchatSetup struct {
	Config cometchat.Config
	Poll   polling
}

// open makes the connection.
func (c cometchatSetup) open() (connection, error) {
	ver, _ := buildVersion()
	c.Config.UserAgent = "threadrelay/" + ver
	m := new(meter)
	c.Config.Meter = m.observe
	platform, err := cometchat.New(c.Config)
	if err != nil {
		return connection{}, err
	}
	return connection{id: platform.ID(), platform: platform, hooked: c.Config.WebhookUsername != "", poll: c.Poll, meter: m}, nil
}

// warnings are what is allowed and yet probably not meant.
func (c cometchatSetup) warnings(ingests bool) []string {
	var out []string
	polls := len(c.Poll.sources) > 0
	if plainHTTP(c.Config.BaseURL) {
		out = append(out, "base_url is plain http to another machine: the API key travels unencrypted")
	}
	switch {
	case polls && !ingests:
		out = append(out, "poll has no effect, because THREADRELAY_ROLES does not name ingest")
	case !polls && ingests && c.Config.WebhookUsername == "":
		out = append(out, "nothing comes in: it has neither webhook nor poll")
	}
	if len(c.Poll.sources) > 1 && slices.Contains(c.Poll.sources, "app") {
		out = append(out, "poll names app, which is all messages, and others besides: those are read twice")
	}
	return out
}

// readCometChat reads the keys of a connection to CometChat.
func readCometChat(m *mapping, id event.ConnectionID) setup {
	c := cometchatSetup{Config: cometchat.Config{
		ID: id, AppID: m.text("app_id"), Region: m.choice("region", "us", "eu", "in"), APIKey: m.text("api_key"),
		BaseURL: m.address("base_url"), CAFile: m.authorities("ca"), BotUID: m.text("bot_uid"),
	}}
	m.require("app_id", "api_key")
	if other := m.file.claim(cometchatApp(c.Config.AppID), id); other != "" && c.Config.AppID != "" {
		m.fault("app_id", "is the app of connection %s, too; one app can have one connection, as its messages would come in by one of two alone", other)
	}
	if !m.has("region") && !m.has("base_url") {
		m.fault("region", "is missing; it is us, eu or in, and may be left out beside base_url")
	}
	if m.file.answered && !m.has("bot_uid") {
		m.fault("bot_uid", "is missing, and the bots of THREADRELAY_BOTS answer as that user")
	}
	hook := m.child("webhook")
	if hook != nil {
		hook.require("username", "password")
		c.Config.WebhookUsername, c.Config.WebhookPassword = hook.text("username"), hook.text("password")
		hook.done()
	}
	m.blame(c.Config.Validate(), map[string]spot{
		"AppID": {m, "app_id"}, "Region": {m, "region"}, "APIKey": {m, "api_key"}, "BaseURL": {m, "base_url"}, "BotUID": {m, "bot_uid"},
		"WebhookUsername": {hook, "username"}, "WebhookPassword": {hook, "password"},
	})
	if poll := m.child("poll"); poll != nil {
		c.readPoll(poll, m.sound() && hook.sound())
	}
	return c
}

// cometchatApp names an app for [configFile.claim]. The ids of events are made of the app's, whatever the connection: of two for the
// same app, the events of the second would be taken for repeats of the first's.
func cometchatApp(id string) string { return "cometchat " + strings.ToLower(id) }

// readPoll reads how the connection is polled. sound says that all the rest of it is right, so that the platform's own rules
// can be asked about the sources.
func (c *cometchatSetup) readPoll(m *mapping, sound bool) {
	given := m.list("sources")
	if len(given) == 0 {
		m.fault("sources", "names nothing to poll; want some of app, user/<uid>, group/<guid> and thread/<id>")
	}
	c.Poll = polling{interval: m.duration("interval", minPollInterval), backfill: m.duration("backfill", 0)}
	if c.Poll.interval == 0 {
		c.Poll.interval = defaultPollInterval
	}
	m.done()
	var platform *cometchat.Connection
	if sound {
		var err error
		if platform, err = cometchat.New(c.Config); err != nil {
			m.file.fault(m.at, m.name, "%v", err)
		}
	}
	seen := make(map[string]bool)
	for _, s := range given {
		source := fullSource(s.text)
		if seen[source] {
			m.itemFault("sources", s.at, s.shown()+" is repeated")
		} else if problem := sourceFault(source, s, platform); problem != "" {
			m.itemFault("sources", s.at, problem)
		}
		seen[source] = true
		c.Poll.sources = append(c.Poll.sources, source)
	}
	c.Config.Sources = c.Poll.sources
}

// sourceFault says what is wrong with a source. platform is nil if it cannot be asked.
func sourceFault(source string, given scalar, platform *cometchat.Connection) string {
	switch {
	case strings.EqualFold(given.text, "off"):
		return "off is no source; leave poll out (user/off is a user of that name)"
	case platform == nil:
		return ""
	}
	err := platform.CheckSource(source)
	switch {
	case err == nil:
		return ""
	case given.hidden():
		return fmt.Sprintf("what %s stands for is no source; want app, user/<uid>, group/<guid> or thread/<id>", given.shown())
	}
	return err.Error()
}
