package main

import (
	"fmt"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
)

// platformKind is a platform that a connection of the file can have.
type platformKind struct {
	name string
	// read takes the platform's own keys from the connection's mapping, and records what is wrong with them.
	read func(m *mapping, id event.ConnectionID) setup
}

// platformKinds is the one list of them.
func platformKinds() []platformKind {
	return []platformKind{
		{"cometchat", readCometChat},
		{"rocketchat", readRocketChat},
	}
}

// setup is what a connection is made from.
type setup interface {
	// open makes the connection. It calls nobody.
	open() (connection, error)
	// warnings are what is allowed and yet probably not meant; ingests says whether this process takes events in.
	warnings(ingests bool) []string
}

// fileConnection is a connection of the file.
type fileConnection struct {
	ID      event.ConnectionID
	Setup   setup
	Deliver delivery `json:"-"`
	Place   string   // where it stands, as file:line:column
}

// maxConnectionID is how long the name of a connection may be, in bytes: it is part of subjects, keys and metrics.
const maxConnectionID = 64

// readConnections reads the section of that name.
func readConnections(root *mapping, out *routing) {
	all := root.child("connections")
	if all == nil {
		return
	}
	for _, name := range all.keys() {
		if c, ok := readConnection(all, name); ok {
			out.Connections = append(out.Connections, c)
		}
	}
}

// readConnection reads one connection, and reports whether it is known what it is.
func readConnection(all *mapping, name string) (fileConnection, bool) {
	at := placeOf(all.entries[name].key)
	id := event.ConnectionID(name)
	if !checkConnectionID(all, name) {
		id = "unnamed" // so that the platform does not say it again
	}
	m := all.child(name)
	if m == nil {
		return fileConnection{}, false
	}
	c := fileConnection{ID: id, Place: m.file.at(at)}
	kind, known := readKind(m)
	if known {
		c.Setup = kind.read(m, id)
	}
	c.Deliver = readDelivery(m)
	if known {
		m.done()
	}
	return c, known
}

// readKind reads which platform a connection is to.
func readKind(m *mapping) (platformKind, bool) {
	var names []string
	for _, kind := range platformKinds() {
		names = append(names, kind.name)
	}
	if !m.has("platform") {
		m.fault("platform", "is missing; known: %s", strings.Join(names, ", "))
	}
	name := m.choice("platform", names...)
	for _, kind := range platformKinds() {
		if kind.name == name {
			return kind, true
		}
	}
	return platformKind{}, false
}

// checkConnectionID reports whether name can be that of a connection, and records what is wrong with it.
func checkConnectionID(all *mapping, name string) bool {
	at := placeOf(all.entries[name].key)
	id := event.ConnectionID(name)
	if variable, ok := all.file.taken[id]; ok {
		all.file.fault(at, all.path(name), "is the name of the connection that %s makes; choose another", variable)
	}
	if err := (event.ThreadRef{Connection: id}).Validate(); err != nil || len(name) > maxConnectionID {
		all.file.fault(at, all.path(name), "is no name of a connection; want 1 to %d letters, digits, _ or -", maxConnectionID)
		return false
	}
	return true
}

// warnings are those of all connections of the file.
func (r routing) warnings(ingests bool) []string {
	var out []string
	for _, c := range r.Connections {
		for _, w := range c.Setup.warnings(ingests) {
			out = append(out, fmt.Sprintf("%s: connections.%s: %s", c.Place, c.ID, w))
		}
	}
	return out
}
