package cometchat

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Prober = (*Connection)(nil)

// maxSkew is how far the clocks may be apart.
const maxSkew = 30 * time.Second

// advice is a fault as a whole sentence for people.
type advice string

// Error returns the sentence.
func (a advice) Error() string { return string(a) }

func advise(format string, args ...any) error { return advice(fmt.Sprintf(format, args...)) }

// Probe checks what the configuration says: that the base URL leads to the app, that the key is one of the app's and of the
// scope fullAccess, that the bot exists and sees each of the configured sources, and that the clocks agree. It reads only, and
// leaves out what cannot be told after a fault.
func (c *Connection) Probe(ctx context.Context) []relay.Finding {
	p := prober{c: c, client: *c.client}
	p.client.observe = func(o Observation) {
		if o.Status != 0 {
			p.seen = o
		}
		if c.client.observe != nil {
			c.client.observe(o)
		}
	}
	err := p.knock(ctx)
	if p.access(err) {
		p.bot(err)
		for _, name := range c.sources {
			p.source(ctx, name)
		}
	}
	p.clock()
	return p.findings
}

// prober is one call of Probe.
type prober struct {
	c        *Connection
	client   Client
	seen     Observation // of the last answer
	findings []relay.Finding
}

func (p *prober) fine(subject, note string) {
	p.findings = append(p.findings, relay.Finding{Subject: subject, Note: note})
}

func (p *prober) fault(subject string, err error) {
	p.findings = append(p.findings, relay.Finding{Subject: subject, Fault: err})
}

// knock makes a first call that takes a key of the scope fullAccess.
func (p *prober) knock(ctx context.Context) error {
	if p.c.self == "" {
		_, err := p.client.ListUsers(ctx, UserOptions{Paging: Paging{PerPage: 1}})
		return err
	}
	_, err := p.client.User(ctx, string(p.c.self))
	return err
}

// access tells of base URL, app and key, and returns whether there is a way in.
func (p *prober) access(err error) bool {
	var refused *APIError
	if err != nil && !errors.As(err, &refused) {
		p.fault("base url", p.noAnswer(err))
		return false
	}
	if refused != nil && !isNoUser(err) || refused != nil && refused.Code == "" {
		subject, why := p.refusal(refused)
		if subject != "base url" {
			p.fine("base url", p.client.base)
		}
		p.fault(subject, why)
		return false
	}
	p.fine("base url", p.client.base)
	p.fine("app id", p.c.appID)
	p.fine("api key", "accepted, with the scope that is needed")
	return true
}

// noAnswer says why the server did not answer, or not as CometChat does.
func (p *prober) noAnswer(err error) error {
	var lookup *net.DNSError
	var stranger x509.UnknownAuthorityError
	host := p.client.base
	if u, fault := url.Parse(p.client.base); fault == nil {
		host = u.Host
	}
	switch {
	case p.seen.Status != 0:
		return advise("What answers at %s is not the CometChat API (HTTP %d): check the base URL, which ends with the API's version, such as /v3.", p.client.base, p.seen.Status)
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return advise("The host %s does not exist: check app id %q and region, which are part of its name, or the base URL.", host, p.c.appID)
	case errors.As(err, &stranger):
		return advise("The certificate of %s is signed by an authority that is not known here: check the base URL, or name the authority's PEM file in the configuration.", host)
	case errors.Is(err, context.DeadlineExceeded):
		return advise("The host %s did not answer in time: check the base URL, the network and the proxy.", host)
	}
	return advise("The host %s cannot be reached: check the base URL, the network and the proxy. (%v)", host, err)
}

// refusal says what a refusal of the first call means.
func (p *prober) refusal(e *APIError) (subject string, why error) {
	switch code := e.Code; {
	case code == "AUTH_ERR_INVALID_APPID" || code == "AUTH_ERR_EMPTY_APPID":
		return "app id", advise("There is no app %q at %s: check app id and region in CometChat's dashboard. (%v)", p.c.appID, p.client.base, e)
	case code == "AUTH_ERR_NO_ACCESS":
		return "api key", advise("The API key lacks the scope: take a REST API key (fullAccess) from the dashboard, not an Auth Key. (%v)", e)
	case strings.HasPrefix(code, "AUTH_ERR_") || code == "ERR_APIKEY_NOT_FOUND" || e.Status == http.StatusUnauthorized:
		return "api key", advise("The API key is not one of app %q: copy it from the app's dashboard, under API & Auth Keys. (%v)", p.c.appID, e)
	case code == "ERR_SUBSCRIPTION_EXPIRED" || strings.HasPrefix(code, "ERR_PLAN_"):
		return "app id", advise("The app's plan does not allow this: see to its subscription in the dashboard. (%v)", e)
	case code == "ERR_API_NOT_FOUND" || code == "" && e.Status < 500 && e.Status != http.StatusTooManyRequests && e.Status != http.StatusForbidden:
		return "base url", advise("There is no CometChat API at %s: check the base URL, which ends with the API's version, such as /v3. (%v)", p.client.base, e)
	case e.Status == http.StatusForbidden:
		return "api key", advise("The server forbids the call: check the scope of the API key, and whether the app allows this host's address. (%v)", e)
	case verdict(e, false) == relay.RateLimited:
		return "api key", advise("The app's rate limit is used up: try again later. (%v)", e)
	}
	return "base url", advise("CometChat has trouble of its own: try again later. (%v)", e)
}

// bot tells of the user as whom the connection answers.
func (p *prober) bot(err error) {
	switch {
	case p.c.self == "":
		p.fine("bot uid", "none is configured, so every action has to name its user")
	case err != nil:
		p.fault("bot uid", advise("There is no user %q in app %q, or it was deactivated: create it in the dashboard under Users, or correct the bot's uid. (%v)", p.c.self, p.c.appID, err))
	default:
		p.fine("bot uid", string(p.c.self))
	}
}

// clock compares the clocks, if there was an answer.
func (p *prober) clock() {
	if p.seen.Clock.IsZero() {
		return
	}
	const grain = 500 * time.Millisecond // the Date header has whole seconds
	skew := p.seen.Start.Add(p.seen.Duration / 2).Sub(p.seen.Clock.Add(grain)).Round(time.Second)
	if skew.Abs() > maxSkew {
		p.fault("clock", advise("This machine's clock is %s %s CometChat's: set it, with NTP for instance.", skew.Abs(), aheadOrBehind(skew)))
		return
	}
	p.fine("clock", fmt.Sprintf("%s %s CometChat's", skew.Abs(), aheadOrBehind(skew)))
}

func aheadOrBehind(skew time.Duration) string {
	if skew < 0 {
		return "behind"
	}
	return "ahead of"
}
