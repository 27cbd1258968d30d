package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/threadrelay/threadrelay/relay/cometchat"
	"github.com/threadrelay/threadrelay/relay/egress"
)

// validate checks the connection if there is one; botsRun says whether bundled bots shall answer on it.
func (c cometchatConfig) validate(found *faults, botsRun bool) {
	together(pair{"COMETCHAT_WEBHOOK_USERNAME", c.WebhookUsername != ""}, pair{"COMETCHAT_WEBHOOK_PASSWORD", c.WebhookPassword != ""}, found)
	if !c.enabled() {
		return
	}
	const needed = "is required for the CometChat connection"
	if c.AppID == "" {
		found.add("COMETCHAT_APP_ID", needed)
	}
	if strings.IndexFunc(c.AppID, notInAppID) >= 0 {
		found.add("COMETCHAT_APP_ID", fmt.Sprintf("%q cannot be part of a host name", c.AppID))
	}
	if c.APIKey == "" {
		found.add("COMETCHAT_API_KEY", needed)
	}
	if c.Region == "" && c.BaseURL == "" {
		found.add("COMETCHAT_REGION", needed)
	}
	if c.Region != "" {
		oneOf("COMETCHAT_REGION", c.Region, []string{"us", "eu", "in"}, found)
	}
	if c.BaseURL != "" {
		if err := checkHTTP(c.BaseURL); err != nil {
			found.add("COMETCHAT_BASE_URL", err.Error())
		}
	}
	if c.CA != "" && !holdsContents("COMETCHAT_CA", c.CA, found) {
		if _, err := egress.Authorities(c.CA); err != nil {
			found.add("COMETCHAT_CA", err.Error())
		}
	}
	if botsRun && c.BotUID == "" {
		found.add("COMETCHAT_BOT_UID", "is required because THREADRELAY_BOTS names bots")
	}
	if _, _, err := senderLimit(c.SenderLimit); err != nil {
		found.add("COMETCHAT_SENDER_LIMIT", fmt.Sprintf("%q is neither learn nor a rate", c.SenderLimit))
	}
	c.validatePoll(found)
}

// delivery is how actions leave by the connection.
func (c cometchatConfig) delivery() delivery {
	n, per, err := senderLimit(c.SenderLimit)
	if err != nil { // which validate has told
		return delivery{}
	}
	return delivery{Limit: senderRate{N: n, Per: per}}
}

// warnings are what is allowed and yet probably not meant; ingests says whether this process takes events in.
func (c cometchatConfig) warnings(ingests bool) []string {
	var out []string
	polls := len(c.sources()) > 0
	if !c.enabled() {
		if c.WebhookUsername != "" {
			out = append(out, "COMETCHAT_WEBHOOK_USERNAME and COMETCHAT_WEBHOOK_PASSWORD have no effect without a CometChat connection")
		}
		if polls {
			out = append(out, "COMETCHAT_POLL has no effect without a CometChat connection")
		}
		return out
	}
	if plainHTTP(c.BaseURL) {
		out = append(out, "COMETCHAT_BASE_URL is plain http to another machine: the API key travels unencrypted")
	}
	switch {
	case polls && !ingests:
		out = append(out, "COMETCHAT_POLL has no effect, because THREADRELAY_ROLES does not name ingest")
	case !polls && ingests && c.WebhookUsername == "":
		out = append(out, "nothing comes in from CometChat: neither COMETCHAT_WEBHOOK_USERNAME and COMETCHAT_WEBHOOK_PASSWORD nor COMETCHAT_POLL are set")
	}
	if sources := c.sources(); len(sources) > 1 && slices.Contains(sources, "app") {
		out = append(out, "COMETCHAT_POLL names app, which is all messages, and others besides: those are read twice")
	}
	return out
}

// setup is what the connection is made from.
func (c cometchatConfig) setup() cometchatSetup {
	return cometchatSetup{
		Config: cometchat.Config{
			ID: cometchatID, AppID: c.AppID, Region: c.Region, APIKey: c.APIKey.Reveal(), BaseURL: c.BaseURL, CAFile: c.CA, BotUID: c.BotUID,
			WebhookUsername: c.WebhookUsername, WebhookPassword: c.WebhookPassword.Reveal(), Sources: c.sources(),
		},
		Poll: polling{sources: c.sources(), interval: c.PollInterval, backfill: c.PollBackfill},
	}
}

// notInAppID reports the characters that would make the address of the API another host or path than meant.
func notInAppID(r rune) bool {
	letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	return !letter && (r < '0' || r > '9') && r != '-' && r != '_'
}

// checkHTTP returns what is wrong with the address of an API. It repeats the address in no error, as it may hold credentials.
func checkHTTP(address string) error {
	parsed, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("is not a valid URL")
	case !slices.Contains([]string{"http", "https"}, parsed.Scheme):
		return errors.New("has neither the scheme http nor https")
	case parsed.Hostname() == "":
		return errors.New("has no host")
	case !validPort(parsed.Port()):
		return errors.New("has a port out of range")
	case parsed.User != nil:
		return errors.New("carries credentials")
	case parsed.RawQuery != "" || parsed.Fragment != "":
		return errors.New("has a query or a fragment")
	}
	return nil
}

// plainHTTP reports whether an API key would leave this machine unencrypted.
func plainHTTP(address string) bool {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Scheme != "http" {
		return false
	}
	ip, err := netip.ParseAddr(parsed.Hostname())
	local := strings.EqualFold(parsed.Hostname(), "localhost") || err == nil && ip.IsLoopback()
	return !local
}
