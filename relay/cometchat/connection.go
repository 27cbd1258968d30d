package cometchat

import (
	"crypto/sha256"
	"fmt"
	"log/slog"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// platform is the name of the platform in events and their ids.
const platform = "cometchat"

// Connection is one CometChat app and the user as whom we act there. It is safe for concurrent use, and prints and logs
// without its secrets.
type Connection struct {
	id      event.ConnectionID
	appID   string
	self    event.UserID
	sources []string // to be probed
	key     secret
	hook    *hook // nil: the hook is closed
	client  *Client
	now     func() time.Time
	places  *places // of messages, for Complete
	ghosts  *ghosts
}

var (
	_ relay.Receiver = (*Connection)(nil)
	_ relay.Redactor = (*Connection)(nil)
	_ relay.Sender   = (*Connection)(nil)
	_ relay.Members  = (*Connection)(nil)
)

// New returns a connection, or the faults of its configuration. It calls nobody, and reads the CAFile.
func New(cfg Config) (*Connection, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	cfg.setDefaults()
	key := secret{v: &cfg.APIKey}
	client, err := newClient(cfg, key)
	if err != nil {
		return nil, err
	}
	c := &Connection{
		id: cfg.ID, appID: cfg.AppID, self: event.UserID(cfg.BotUID), sources: cfg.Sources, key: key,
		client: client, now: time.Now, places: new(places), ghosts: new(ghosts),
	}
	if cfg.WebhookUsername != "" {
		c.hook = &hook{user: sha256.Sum256([]byte(cfg.WebhookUsername)), password: sha256.Sum256([]byte(cfg.WebhookPassword))}
	}
	return c, nil
}

// ID returns the connection's name.
func (c *Connection) ID() event.ConnectionID { return c.id }

// Client returns the connection's way to the server API. It acts in the app's own name; see [Client.As].
func (c *Connection) Client() *Client { return c.client }

// String names the connection and where it leads.
func (c *Connection) String() string {
	return fmt.Sprintf("cometchat.Connection{ID:%q AppID:%q BaseURL:%q BotUID:%q hook:%t}", c.id, c.appID, c.client.base, c.self, c.hook != nil)
}

// Format prints [Connection.String], whatever the verb.
func (c *Connection) Format(f fmt.State, _ rune) { writeState(f, c.String()) }

// LogValue names the connection and where it leads.
func (c *Connection) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", string(c.id)), slog.String("app_id", c.appID), slog.String("base_url", c.client.base),
		slog.String("bot_uid", string(c.self)), slog.Bool("hook", c.hook != nil),
	)
}
