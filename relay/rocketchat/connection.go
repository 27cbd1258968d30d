package rocketchat

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// platform is the name of the platform in events and their ids.
const platform = "rocketchat"

// Connection is one Rocket.Chat workspace and the user as whom we act there. It is safe for concurrent use, and prints and
// logs without its secrets.
type Connection struct {
	id     event.ConnectionID
	self   event.UserID // the "_id" of the user; the username is learned: see [Connection.me]
	rooms  []string     // as configured: ids or "#name"
	token  secret
	hook   *[sha256.Size]byte // digest of the webhook token; nil: the hook is closed
	client *Client
	media  *http.Client // fetches attachments from anywhere
	now    func() time.Time
	known  lookups
	alias  aliases
	roots  memo[string] // rooms of messages that are there, by id
	memory memory
	inbound
}

// New returns a connection, or the faults of its configuration. It calls nobody.
func New(cfg Config) (*Connection, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	token := secret{v: &cfg.AuthToken}
	client, err := newClient(cfg, token)
	if err != nil {
		return nil, err
	}
	c := &Connection{
		id: cfg.ID, self: event.UserID(cfg.UserID), rooms: cfg.Rooms, token: token,
		client: client, media: newMediaClient(cfg.PrivateMedia), now: time.Now,
	}
	if cfg.WebhookToken != "" {
		digest := sha256.Sum256([]byte(cfg.WebhookToken))
		c.hook = &digest
	}
	return c, nil
}

// ID returns the connection's name.
func (c *Connection) ID() event.ConnectionID { return c.id }

// Client returns the connection's way to the REST API.
func (c *Connection) Client() *Client { return c.client }

// String names the connection and where it leads.
func (c *Connection) String() string {
	return fmt.Sprintf("rocketchat.Connection{ID:%q URL:%q UserID:%q hook:%t}", c.id, c.client.base, c.self, c.hook != nil)
}

// Format prints [Connection.String], whatever the verb.
func (c *Connection) Format(f fmt.State, _ rune) { writeState(f, c.String()) }

// LogValue names the connection and where it leads.
func (c *Connection) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", string(c.id)), slog.String("url", c.client.base), slog.String("user_id", string(c.self)),
		slog.Bool("hook", c.hook != nil),
	)
}
