package main

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// validate checks the addresses and what goes together. No part of an address is repeated in a fault, since any part may
// turn out to be a password that was not escaped.
func (c natsConfig) validate(found *faults) {
	if c.URL != "" {
		if err := checkNATS(c.URL.addresses()); err != nil {
			found.add("NATS_URL", err.Error())
		}
	}
	together(pair{"NATS_USER", c.User != ""}, pair{"NATS_PASSWORD", c.Password != ""}, found)
	together(pair{"NATS_CERT", c.Cert != ""}, pair{"NATS_KEY", c.Key != ""}, found)
	paths := []struct{ name, path string }{
		{"NATS_CREDS", c.Creds}, {"NATS_CA", c.CA}, {"NATS_CERT", c.Cert}, {"NATS_KEY", c.Key},
	}
	for _, p := range paths {
		if strings.ContainsAny(p.path, "\r\n") || strings.HasPrefix(p.path, "-----BEGIN") {
			found.add(p.name, fmt.Sprintf("holds the contents of a file; set %s itself to the path", p.name))
		}
	}
	switch {
	case c.Replicas < 1 || c.Replicas > 5:
		found.add("NATS_REPLICAS", fmt.Sprintf("%d is out of range", c.Replicas))
	case c.Replicas > 1 && c.URL == "":
		found.add("NATS_REPLICAS", fmt.Sprintf("%d replicas need NATS_URL", c.Replicas))
	}
}

// checkNATS returns what is wrong with the first bad address, which it calls by its position.
func checkNATS(addresses []string) error {
	var sockets int
	for i, address := range addresses {
		if address == "" {
			return fmt.Errorf("address %d of %d is empty", i+1, len(addresses))
		}
		parsed, err := parseNATS(address)
		if err != nil {
			return fmt.Errorf("address %d of %d is not a valid URL", i+1, len(addresses))
		}
		switch parsed.Scheme {
		case "nats", "tls":
		case "": // the client takes the scheme of web sockets if those have come before
			if sockets > 0 {
				sockets++
			}
		case "ws", "wss":
			sockets++
		default:
			return fmt.Errorf("address %d of %d has none of the known schemes", i+1, len(addresses))
		}
		if parsed.Hostname() == "" {
			return fmt.Errorf("address %d of %d has no host", i+1, len(addresses))
		}
		if !validPort(parsed.Port()) {
			return fmt.Errorf("address %d of %d has a port out of range", i+1, len(addresses))
		}
		if strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" || parsed.Fragment != "" {
			return fmt.Errorf("address %d of %d has more after its host (a special character in a password must be escaped)", i+1, len(addresses))
		}
	}
	if sockets > 0 && sockets < len(addresses) {
		return errors.New("web socket addresses are mixed with others")
	}
	return nil
}

// parseNATS takes an address apart as the client does: one without a scheme is a host, with a port and credentials perhaps.
func parseNATS(address string) (*url.URL, error) {
	if !strings.Contains(address, "://") {
		address = "//" + address
	}
	return url.Parse(address)
}

// validPort accepts an absent port and the numbers that a client can dial.
func validPort(port string) bool {
	number, err := strconv.Atoi(port)
	return port == "" || err == nil && number >= 1 && number <= 65535
}

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
	if botsRun && c.BotUID == "" {
		found.add("COMETCHAT_BOT_UID", "is required because THREADRELAY_BOTS names bots")
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

// plainHTTP reports whether the API key would leave this machine unencrypted.
func (c cometchatConfig) plainHTTP() bool {
	parsed, err := url.Parse(c.BaseURL)
	if err != nil || parsed.Scheme != "http" {
		return false
	}
	ip, err := netip.ParseAddr(parsed.Hostname())
	local := strings.EqualFold(parsed.Hostname(), "localhost") || err == nil && ip.IsLoopback()
	return !local
}

// pair is one half of two variables that go together.
type pair struct {
	name string
	set  bool
}

// together records a fault of the half that is missing.
func together(a, b pair, found *faults) {
	switch {
	case a.set && !b.set:
		found.add(b.name, "is missing although "+a.name+" is set")
	case b.set && !a.set:
		found.add(a.name, "is missing although "+b.name+" is set")
	}
}
