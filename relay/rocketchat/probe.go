package rocketchat

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/threadrelay/threadrelay/relay"
)

var _ relay.Prober = (*Connection)(nil)

const (
	// maxSkew is how far the clocks may be apart.
	maxSkew = 30 * time.Second
	// oldestMajor is the first major version that is supported.
	oldestMajor = 7
)

// advice is a fault as a whole sentence for people.
type advice string

// Error returns the sentence.
func (a advice) Error() string { return string(a) }

func advise(format string, args ...any) error { return advice(fmt.Sprintf(format, args...)) }

// Probe checks what the configuration says: that the URL leads to a Rocket.Chat of a supported version, that user and token
// are right, that the account has the roles that a relay needs, that threads are enabled, that it has joined each of the
// configured rooms, and that the clocks agree. It changes nothing, and leaves out what cannot be told after a fault.
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
	if p.server(ctx) && p.account(ctx) {
		p.joined(ctx)
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

// server tells of the URL and what answers there, and returns whether there is a way in.
func (p *prober) server(ctx context.Context) bool {
	info, err := p.client.Info(ctx)
	refused := refusalOf(err)
	switch {
	case err != nil && refused == nil:
		p.fault("url", p.noAnswer(err))
		return false
	case refused != nil && verdict(refused) == relay.RateLimited:
		p.fine("url", "the rate limit is used up, so the version is not known")
		return true
	case refused != nil && refused.Status >= http.StatusInternalServerError:
		p.fault("url", advise("The server at %s has trouble of its own: try again later. (%v)", p.client.base, err))
		return false
	case refused != nil && refused.Status != http.StatusUnauthorized && refused.Status != http.StatusForbidden:
		p.fault("url", advise("There is no Rocket.Chat at %s: check the URL, which is that of the workspace without /api/v1. (%v)", p.client.base, err))
		return false
	}
	p.fine("url", p.client.base)
	switch major := info.Major(); {
	case major == 0:
		p.fine("version", "the server does not tell it")
	case major < oldestMajor:
		p.fault("version", advise("Rocket.Chat %s is too old: update the server to %d.0 or later.", info.Version, oldestMajor))
	default:
		p.fine("version", info.Version)
	}
	return true
}

// noAnswer says why the server did not answer, or not as Rocket.Chat does.
func (p *prober) noAnswer(err error) error {
	var lookup *net.DNSError
	host := p.client.base
	if u, fault := url.Parse(p.client.base); fault == nil {
		host = u.Host
	}
	switch {
	case p.seen.Status != 0:
		return advise("What answers at %s is no Rocket.Chat (HTTP %d): check the URL, which is that of the workspace without /api/v1.", p.client.base, p.seen.Status)
	case errors.As(err, &lookup) && lookup.IsNotFound:
		return advise("The host %s does not exist: check the URL.", host)
	case errors.Is(err, context.DeadlineExceeded):
		return advise("The host %s did not answer in time: check the URL, the network and the proxy.", host)
	}
	return advise("The host %s cannot be reached: check the URL, the network and the proxy. (%v)", host, err)
}

// account tells of user, token and roles, and returns whether they are accepted.
func (p *prober) account(ctx context.Context) bool {
	me, err := p.client.Me(ctx)
	if err == nil && me.ID != p.client.user {
		err = advise("The server takes the account for that of another user, %q: check user id and auth token.", me.ID)
	}
	if err != nil {
		p.fault("auth token", p.notLoggedIn(err))
		return false
	}
	p.c.known.self.put("", me, p.c.now().Add(selfKept))
	p.fine("auth token", "accepted, as the user @"+me.Username)
	p.roles(me)
	return true
}

func (p *prober) notLoggedIn(err error) error {
	refused := refusalOf(err)
	var said advice
	switch {
	case errors.As(err, &said):
		return said
	case refused == nil:
		return advise("Whether user id and auth token are right could not be found out: try again. (%v)", err)
	case refused.Status == http.StatusUnauthorized:
		return advise("The server does not know this auth token of the user %q: make a personal access token as that user, under Profile, Personal Access Tokens, "+
			"and take the user id that is shown with it. (%v)", p.client.user, err)
	case verdict(refused) == relay.RateLimited:
		return advise("The rate limit is used up: try again in a minute. (%v)", err)
	case refused.Status == http.StatusForbidden:
		return advise("The server forbids the call: check whether it, or a proxy before it, allows this host's address. (%v)", err)
	}
	return advise("The server refuses to tell who the account is: see to what it says. (%v)", err)
}

// roles tells whether the account has what a relay needs. Of roles that a workspace has made itself nobody knows what they
// are good for.
func (p *prober) roles(me User) {
	stock := []string{"user", "bot", "app", "admin", "guest", "anonymous", "livechat-agent", "livechat-guest", "livechat-manager", "livechat-monitor"}
	own := slices.ContainsFunc(me.Roles, func(r string) bool { return !slices.Contains(stock, r) })
	note := fmt.Sprintf("%q; user and bot are recommended", me.Roles)
	bot, user := me.Has("bot", "app"), me.Has("user", "admin")
	const where = "give it both roles, user and bot, under Administration, Workspace, Users"
	switch {
	case own || bot && user:
		p.fine("roles", note)
	case !bot && !me.Has(bypassRoles()...):
		p.fault("roles", advise("The account lacks the role bot: it may make 10 calls of a kind per minute, and show nobody else's name with a message: %s.", where))
	case !bot:
		p.fault("roles", advise("The account lacks the role bot: it may show nobody else's name with a message: %s.", where))
	default:
		p.fault("roles", advise("The account lacks the role user: it may neither edit nor delete its own messages: %s.", where))
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
		p.fault("clock", advise("This machine's clock is %s %s the server's: set it, with NTP for instance.", skew.Abs(), aheadOrBehind(skew)))
		return
	}
	p.fine("clock", fmt.Sprintf("%s %s the server's", skew.Abs(), aheadOrBehind(skew)))
}

func aheadOrBehind(skew time.Duration) string {
	if skew < 0 {
		return "behind"
	}
	return "ahead of"
}
