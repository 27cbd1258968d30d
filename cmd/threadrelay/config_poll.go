package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/relay/cometchat"
)

// minPollInterval is the shortest interval of polling: the rate budget would not allow for more anyway.
const minPollInterval = 100 * time.Millisecond

// sources are what COMETCHAT_POLL names, each in its full form and lower case, which is that of the platform's ids: under
// this name its cursor is kept, however it was written. There is none if polling is off.
func (c cometchatConfig) sources() []string {
	if len(c.Poll) == 1 && strings.EqualFold(c.Poll[0], "off") {
		return nil
	}
	out := make([]string, 0, len(c.Poll))
	for _, source := range c.Poll {
		out = append(out, fullSource(source))
	}
	return out
}

// fullSource is a source in its full form: a bare name is a user.
func fullSource(source string) string {
	source = strings.ToLower(source)
	if source != "" && source != "app" && !strings.Contains(source, "/") {
		return "user/" + source
	}
	return source
}

// validatePoll checks the sources, by the platform's own rules, and how they are polled.
func (c cometchatConfig) validatePoll(found *faults) {
	if c.PollInterval < minPollInterval {
		found.add("COMETCHAT_POLL_INTERVAL", fmt.Sprintf("%s is too short", c.PollInterval))
	}
	if c.PollBackfill < 0 {
		found.add("COMETCHAT_POLL_BACKFILL", fmt.Sprintf("%s is negative", c.PollBackfill))
	}
	connection, err := cometchat.New(c.setup().Config)
	sources := c.sources()
	for i, source := range sources {
		given := c.Poll[i]
		switch {
		case source == "":
			found.add("COMETCHAT_POLL", fmt.Sprintf("item %d is empty", i+1))
		case strings.EqualFold(given, "off"):
			found.add("COMETCHAT_POLL", "off stands beside sources (user/off is a user of that name)")
		case slices.Contains(sources[:i], source):
			found.add("COMETCHAT_POLL", fmt.Sprintf("%q is repeated", given))
		case err != nil: // what is wrong with the connection is told elsewhere
		default:
			if err := connection.CheckSource(source); err != nil {
				found.add("COMETCHAT_POLL", err.Error())
			}
		}
	}
}
