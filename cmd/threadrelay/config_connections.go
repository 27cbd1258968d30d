package main

import (
	"errors"
	"fmt"
	"net/url"
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
		holdsContents(p.name, p.path, found)
	}
	switch {
	case c.Replicas < 1 || c.Replicas > 5:
		found.add("NATS_REPLICAS", fmt.Sprintf("%d is out of range", c.Replicas))
	case c.Replicas > 1 && c.URL == "":
		found.add("NATS_REPLICAS", fmt.Sprintf("%d replicas need NATS_URL", c.Replicas))
	}
}

// holdsContents reports whether a variable has the contents of a file where its path should be, and records that as a fault.
func holdsContents(name, path string, found *faults) bool {
	if !isContents(path) {
		return false
	}
	found.add(name, fmt.Sprintf("holds the contents of a file; set %s itself to the path", name))
	return true
}

func isContents(path string) bool {
	return strings.ContainsAny(path, "\r\n") || strings.HasPrefix(path, "-----BEGIN")
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
