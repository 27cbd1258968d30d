package rocketchat

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// The bounds of calls, unless configured otherwise.
const (
	defaultTimeout      = 15 * time.Second
	defaultMediaTimeout = 2 * time.Minute
)

// Config says which workspace to talk to, as whom, and how. It prints and logs without its secrets.
type Config struct {
	// ID names the connection.
	ID event.ConnectionID
	// URL is the workspace's address, such as "https://chat.example.org", with the path below which it is served if there is
	// one, and without "/api/v1".
	URL string
	// UserID is the id ("_id", not the username) of the user as whom the connection answers, and AuthToken a personal access
	// token of that user. The token is a secret.
	UserID    string
	AuthToken string `json:"-"`
	// WebhookToken is what the body of outgoing webhook calls must carry. Without it the hook is closed. It is a secret.
	WebhookToken string `json:"-"`
	// Rooms are the rooms that are polled and listened to: ids, or "#name".
	Rooms []string
	// Realtime says whether the realtime stream is listened to beside polling.
	Realtime bool
	// CAFile is the path of a PEM file with authorities that are trusted besides the machine's; empty for none.
	CAFile string
	// HTTP makes the calls; redirects are not followed, whatever its CheckRedirect. The default is a client of the
	// connection's own, with the bounds of [egress.New].
	HTTP *http.Client `json:"-"`
	// UserAgent is sent with each call; the default is "threadrelay".
	UserAgent string
	// Timeout bounds one call from dialling to the last byte of the answer; the default is 15 s. MediaTimeout bounds the
	// transfer of one attachment from its source to the workspace; the default is 2 min.
	Timeout, MediaTimeout time.Duration
	// PrivateMedia lets attachments be fetched from private, loopback and link-local addresses as well. Whoever can make a
	// bot send an attachment can then make the relay fetch from the network that it stands in.
	PrivateMedia bool
	// Meter is told what answers say of rate limits, in the goroutine of the call; nil means nobody.
	Meter relay.Meter `json:"-"`
	// Observe is told of every call of the REST API once it has ended, in the goroutine that made it. It has to return at
	// once; nil means nobody.
	Observe func(Observation) `json:"-"`
}

// setDefaults fills in what is empty and has a default.
func (c *Config) setDefaults() {
	c.URL = strings.TrimRight(c.URL, "/")
	if c.UserAgent == "" {
		c.UserAgent = "threadrelay"
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.MediaTimeout == 0 {
		c.MediaTimeout = defaultMediaTimeout
	}
}

// Validate reports everything that is wrong, each fault with the name of its field and none with a secret's value.
func (c Config) Validate() error {
	var faults []error
	fault := func(field, format string, args ...any) {
		faults = append(faults, fmt.Errorf("rocketchat: %s: %s", field, fmt.Sprintf(format, args...)))
	}
	if err := (event.ThreadRef{Connection: c.ID}).Validate(); err != nil {
		fault("ID", "%v", err)
	}
	if why := baseURLFault(c.URL); why != "" {
		fault("URL", "%s", why)
	}
	if err := checkID(c.UserID); err != nil {
		fault("UserID", "%v", err)
	}
	switch {
	case c.AuthToken == "":
		fault("AuthToken", "missing")
	case !isHeaderToken(c.AuthToken):
		fault("AuthToken", "holds white space or other characters that do not fit into a header")
	}
	if !isHeaderText(c.UserAgent) {
		fault("UserAgent", "holds characters that do not fit into a header")
	}
	if c.Timeout < 0 {
		fault("Timeout", "%s is negative", c.Timeout)
	}
	if c.MediaTimeout < 0 {
		fault("MediaTimeout", "%s is negative", c.MediaTimeout)
	}
	for i, room := range c.Rooms {
		if err := checkRoomName(room); err != nil {
			fault(fmt.Sprintf("Rooms[%d]", i), "%v", err)
		}
	}
	return errors.Join(faults...)
}

// baseURLFault says what is wrong with a base URL, without repeating it: it may hold credentials.
func baseURLFault(s string) string {
	u, err := url.Parse(s)
	switch {
	case s == "":
		return "missing"
	case err != nil:
		return "not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "want an http or https URL"
	case u.Hostname() == "":
		return "has no host"
	case u.User != nil:
		return "must not hold credentials"
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return "must have neither query nor fragment"
	case strings.Contains(u.Path+"/", "/api/"):
		return "want the workspace's address without /api/v1"
	}
	return ""
}

func isHeaderToken(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func isHeaderText(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// String returns the configuration without its secrets.
func (c Config) String() string {
	return fmt.Sprintf("rocketchat.Config{ID:%q URL:%q UserID:%q Rooms:%q Realtime:%t hook:%t}",
		c.ID, cleanText(c.URL, c.AuthToken), c.UserID, c.Rooms, c.Realtime, c.WebhookToken != "")
}

// Format prints [Config.String], whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { writeState(f, c.String()) }

// LogValue returns the configuration without its secrets.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", string(c.ID)), slog.String("url", cleanText(c.URL, c.AuthToken)), slog.String("user_id", c.UserID),
		slog.Any("rooms", c.Rooms), slog.Bool("realtime", c.Realtime), slog.Bool("hook", c.WebhookToken != ""),
	)
}

// secret keeps a string behind a pointer, so that printing a struct that it is part of shows an address.
type secret struct{ v *string }

func (s secret) reveal() string { return *s.v }

// literal returns the secret if it is long enough to be looked for in other texts: a short one may be a word.
func (s secret) literal() string {
	const shortest = 16
	if len(*s.v) < shortest {
		return ""
	}
	return *s.v
}

// writeState writes to a [fmt.State], which never fails.
func writeState(f fmt.State, s string) { _, _ = io.WriteString(f, s) }
