package main

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/threadrelay/threadrelay/bus"
)

// validate checks what the types of the fields cannot express.
func (c *config) validate(found *faults) {
	c.Relay.validateListeners(found)
	c.Relay.validateChoices(found)
	c.Relay.validateDurations(found)
	c.Relay.validateStore(found)
	c.NATS.validate(found)
	c.CometChat.validate(found, len(c.Relay.Bots) > 0)
	c.RocketChat.validate(found)
	oneOf("LOG_LEVEL", c.Log.Level, []string{"debug", "info", "warn", "error"}, found)
	oneOf("LOG_FORMAT", c.Log.Format, []string{"", "text", "json"}, found)
}

// warnings are what is allowed and yet probably not meant.
func (c *config) warnings() []string {
	var out []string
	if len(c.setups()) == 0 && !c.botsOnCluster() {
		out = append(out, "no connection is configured, so nothing is connected; COMETCHAT_APP_ID, COMETCHAT_REGION and COMETCHAT_API_KEY make one, ROCKETCHAT_URL, ROCKETCHAT_USER_ID and ROCKETCHAT_AUTH_TOKEN another, and the file of THREADRELAY_CONFIG any number")
	}
	if len(c.Relay.Bots) > 0 && !slices.Contains(c.Relay.Roles, "bots") {
		out = append(out, "THREADRELAY_BOTS has no effect, because THREADRELAY_ROLES does not name bots")
	}
	ingests := slices.Contains(c.Relay.Roles, "ingest")
	out = append(out, c.CometChat.warnings(ingests)...)
	out = append(out, c.RocketChat.warnings(ingests)...)
	out = append(out, c.Routing.warnings(ingests)...)
	if c.NATS.URL == "" && (c.NATS.Creds != "" || c.NATS.User != "" || c.NATS.CA != "" || c.NATS.Cert != "") {
		out = append(out, "NATS_CREDS, NATS_USER, NATS_PASSWORD, NATS_CA, NATS_CERT and NATS_KEY have no effect without NATS_URL")
	}
	return out
}

// botsOnCluster is the process that runs bots alone, whose connections other processes hold.
func (c *config) botsOnCluster() bool {
	return c.NATS.URL != "" && slices.Equal(c.Relay.Roles, []string{"bots"})
}

func (c relayConfig) validateListeners(found *faults) {
	public, publicErr := parseListener(c.Listen)
	if publicErr != nil {
		found.add("THREADRELAY_LISTEN", publicErr.Error())
	}
	admin, adminErr := parseListener(c.AdminListen)
	if adminErr != nil {
		found.add("THREADRELAY_ADMIN_LISTEN", adminErr.Error())
	}
	if adminErr == nil && !admin.loopback() && c.AdminToken == "" {
		found.add("THREADRELAY_ADMIN_TOKEN", fmt.Sprintf("is required because THREADRELAY_ADMIN_LISTEN %q is not a loopback address", c.AdminListen))
	}
	if publicErr == nil && adminErr == nil && public.overlaps(admin) {
		found.add("THREADRELAY_ADMIN_LISTEN", fmt.Sprintf("%q is taken by THREADRELAY_LISTEN %q", c.AdminListen, c.Listen))
	}
}

func (c relayConfig) validateChoices(found *faults) {
	subset("THREADRELAY_ROLES", c.Roles, []string{"ingest", "deliver", "bots"}, found)
	subset("THREADRELAY_BOTS", c.Bots, []string{"echo"}, found)
	oneOf("THREADRELAY_FSYNC", c.Fsync, []string{"interval", "always"}, found)
}

func (c relayConfig) validateStore(found *faults) {
	if c.MaxStore != 0 && c.MaxStore < bus.MinStore {
		found.add("THREADRELAY_MAX_STORE", fmt.Sprintf("%d bytes are too few", c.MaxStore))
	}
}

func (c relayConfig) validateDurations(found *faults) {
	if c.DedupWindow <= 0 {
		found.add("THREADRELAY_DEDUP_WINDOW", fmt.Sprintf("%s is not positive", c.DedupWindow))
	}
	if c.Retention <= 0 {
		found.add("THREADRELAY_RETENTION", fmt.Sprintf("%s is not positive", c.Retention))
	}
	if c.Retention > 0 && c.DedupWindow > c.Retention {
		found.add("THREADRELAY_DEDUP_WINDOW", fmt.Sprintf("%s is longer than THREADRELAY_RETENTION %s", c.DedupWindow, c.Retention))
	}
}

// oneOf records a fault unless value is one of the known words.
func oneOf(name, value string, known []string, found *faults) {
	if !slices.Contains(known, value) {
		found.add(name, fmt.Sprintf("%q is not known", value))
	}
}

// subset records a fault for every item that is empty, unknown or repeated.
func subset(name string, items, known []string, found *faults) {
	for i, item := range items {
		switch {
		case item == "":
			found.add(name, fmt.Sprintf("item %d is empty", i+1))
		case !slices.Contains(known, item):
			found.add(name, fmt.Sprintf("%q is not known", item))
		case slices.Contains(items[:i], item):
			found.add(name, fmt.Sprintf("%q is repeated", item))
		}
	}
}

// listener is a parsed listen address. The host is empty for all addresses of the machine, and localhost is 127.0.0.1.
type listener struct {
	host string
	port int
}

// parseListener takes host:port apart. It resolves no names.
func parseListener(address string) (listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return listener{}, fmt.Errorf("%q is not host:port", address)
	}
	number, err := strconv.Atoi(port)
	if err != nil || number < 0 || number > 65535 {
		return listener{}, fmt.Errorf("%q has no port from 0 to 65535", address)
	}
	if strings.ContainsAny(host, " \t\r\n/@") {
		return listener{}, fmt.Errorf("%q has no valid host", address)
	}
	if strings.EqualFold(host, "localhost") {
		host = "127.0.0.1"
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	return listener{host: strings.ToLower(host), port: number}, nil
}

// loopback reports whether other machines cannot reach the address. A name other than localhost may mean anything.
func (l listener) loopback() bool {
	ip, err := netip.ParseAddr(l.host)
	return err == nil && ip.IsLoopback()
}

// overlaps reports whether the second of two such listeners would find its port taken. Port 0 is a new port each time.
func (l listener) overlaps(other listener) bool {
	if l.port != other.port || l.port == 0 {
		return false
	}
	return l.host == other.host || l.covers(other) || other.covers(l)
}

// covers reports whether l listens on all addresses among which other's is. Listening on no host or on :: takes both
// protocols, 0.0.0.0 takes IPv4 alone.
func (l listener) covers(other listener) bool {
	switch l.host {
	case "", "::":
		return true
	case "0.0.0.0":
		return !strings.Contains(other.host, ":")
	}
	return false
}
