package cometchat

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
	"github.com/threadrelay/threadrelay/relay/egress"
)

// alphanumeric is what ids are made of at the platform.
const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// defaultTimeout bounds one call.
const defaultTimeout = 15 * time.Second

// Config says which app to talk to, and how. It prints and logs without its secrets.
type Config struct {
	// ID names the connection.
	ID event.ConnectionID
	// AppID and Region ("us", "eu" or "in") are those of the app in CometChat's dashboard.
	AppID, Region string
	// APIKey is a REST API key (scope fullAccess). It is a secret.
	APIKey string `json:"-"`
	// BaseURL is where the server API is, up to and with its version. The default is
	// https://{AppID}.api-{Region}.cometchat.io/v3; dedicated deployments have their own. With a BaseURL, Region is not used.
	BaseURL string
	// BotUID is the user as whom the connection answers. The platform has lower-case ids only, so it is lower-cased. It may be
	// empty: then every action and every question must name its user.
	BotUID string
	// WebhookUsername and WebhookPassword are the basic auth that webhook calls must carry. Without them the hook is closed.
	// The password is a secret.
	WebhookUsername string
	WebhookPassword string `json:"-"`
	// HTTP makes the calls; redirects are not followed, whatever its CheckRedirect. The default is a client of the
	// connection's own, with the bounds of [egress.New].
	HTTP *http.Client `json:"-"`
	// CAFile is the path of a PEM file with authorities that are trusted besides the machine's, for the server's certificate;
	// empty for none. It is not for a client given by HTTP.
	CAFile string
	// UserAgent is sent with each call; the default is "threadrelay".
	UserAgent string
	// Timeout bounds one call from dialling to the last byte of the answer; the default is 15 s.
	Timeout time.Duration
	// Sources are the sources that are polled and the conversations that bots are configured for, in the words of
	// [Connection.Poll]. They are for [Connection.Probe] alone, which looks whether the connection can see them.
	Sources []string
	// Meter is told what answers say of rate limits, in the goroutine of the call; nil means nobody.
	Meter relay.Meter `json:"-"`
	// Observe is told of every call of the server API once it has ended, in the goroutine that made it, so that budgets and
	// metrics can learn from it. It has to return at once; nil means nobody.
	Observe func(Observation) `json:"-"`
}

// setDefaults fills in what is empty and has a default.
func (c *Config) setDefaults() {
	c.BotUID = strings.ToLower(c.BotUID)
	if c.BaseURL == "" {
		c.BaseURL = "https://" + c.AppID + ".api-" + c.Region + ".cometchat.io/v3"
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if c.UserAgent == "" {
		c.UserAgent = "threadrelay"
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
}

// Validate reports everything that is wrong, each fault with the name of its field and none with a secret's value.
func (c Config) Validate() error {
	var faults []error
	fault := func(field, format string, args ...any) {
		faults = append(faults, fmt.Errorf("cometchat: %s: %s", field, fmt.Sprintf(format, args...)))
	}
	if err := (event.ThreadRef{Connection: c.ID}).Validate(); err != nil {
		fault("ID", "%v", err)
	}
	if c.AppID == "" || len(c.AppID) > maxName || strings.Trim(c.AppID, alphanumeric+"_-") != "" {
		fault("AppID", "want 1 to %d letters, digits, _ or -", maxName)
	}
	switch {
	case c.APIKey == "":
		fault("APIKey", "missing")
	case !isHeaderToken(c.APIKey):
		fault("APIKey", "holds white space or other characters that do not fit into a header")
	}
	if c.BaseURL != "" {
		if why := baseURLFault(c.BaseURL); why != "" {
			fault("BaseURL", "%s", why)
		}
	} else if c.Region != "us" && c.Region != "eu" && c.Region != "in" {
		fault("Region", "want us, eu or in (or a BaseURL)")
	}
	if _, err := uid(c.BotUID); c.BotUID != "" && err != nil {
		fault("BotUID", "%v", err)
	}
	if !isHeaderText(c.UserAgent) {
		fault("UserAgent", "holds characters that do not fit into a header")
	}
	if c.Timeout < 0 {
		fault("Timeout", "%s is negative", c.Timeout)
	}
	if c.HTTP != nil && c.CAFile != "" {
		fault("CAFile", "has no effect on the client that HTTP gives")
	}
	return errors.Join(append(faults, c.webhookFaults()...)...)
}

// caller returns what makes the calls.
func (c Config) caller() (*http.Client, error) {
	if c.HTTP != nil {
		return c.HTTP, nil
	}
	client, err := egress.New(egress.Config{Timeout: c.Timeout, MaxAnswer: maxList, CAFile: c.CAFile, UserAgent: c.UserAgent})
	if err != nil {
		return nil, fmt.Errorf("cometchat: %w", err)
	}
	return client, nil
}

func (c Config) webhookFaults() []error {
	var faults []error
	if c.WebhookUsername == "" && c.WebhookPassword != "" {
		faults = append(faults, errors.New("cometchat: WebhookUsername: missing, while WebhookPassword is set"))
	}
	if c.WebhookUsername != "" && c.WebhookPassword == "" {
		faults = append(faults, errors.New("cometchat: WebhookPassword: missing, while WebhookUsername is set"))
	}
	if strings.Contains(c.WebhookUsername, ":") {
		faults = append(faults, errors.New("cometchat: WebhookUsername: basic auth cannot carry a colon in it"))
	}
	return faults
}

// baseURLFault says what is wrong with a base URL, without repeating it: it may hold credentials.
func baseURLFault(s string) string {
	u, err := url.Parse(s)
	switch {
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
	return fmt.Sprintf("cometchat.Config{ID:%q AppID:%q Region:%q BaseURL:%q BotUID:%q hook:%t}",
		c.ID, c.AppID, c.Region, cleanText(c.BaseURL, c.APIKey), c.BotUID, c.WebhookPassword != "")
}

// Format prints [Config.String], whatever the verb.
func (c Config) Format(f fmt.State, _ rune) { writeState(f, c.String()) }

// LogValue returns the configuration without its secrets.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", string(c.ID)), slog.String("app_id", c.AppID), slog.String("region", c.Region),
		slog.String("base_url", cleanText(c.BaseURL, c.APIKey)), slog.String("bot_uid", c.BotUID),
		slog.Bool("hook", c.WebhookPassword != ""),
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
