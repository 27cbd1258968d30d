package egress

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The defaults of [Config].
const (
	defaultTimeout    = 15 * time.Second
	defaultMaxRequest = 1 << 20
	defaultMaxAnswer  = 16 << 20
	defaultMaxConns   = 64
	defaultUserAgent  = "threadrelay"
)

// What is not configured; see the package's documentation.
const (
	maxHeader   = 64 << 10
	idleTime    = 50 * time.Second
	drainBytes  = 256 << 10
	drainLimit  = 500 * time.Millisecond
	silentTime  = 15 * time.Second
	silentGrace = 5 * time.Second
)

// Config holds the bounds of a client. A zero is the default.
type Config struct {
	// Timeout bounds a call, from waiting for its turn to the last byte of the answer; the default is 15 s.
	Timeout time.Duration
	// ConnectTimeout bounds the name look-up with the TCP connect, and once more the TLS handshake; the default is a third of
	// Timeout.
	ConnectTimeout time.Duration
	// HeaderTimeout bounds the wait for the answer's header once the request is written; the default is two thirds of Timeout.
	HeaderTimeout time.Duration
	// BodyTimeout bounds the reading of the answer's body once the header is there; the default is two thirds of Timeout.
	BodyTimeout time.Duration
	// MaxRequest is how many bytes the body of a request may have; the default is 1 MiB.
	MaxRequest int64
	// MaxAnswer is how many bytes of an answer's body are read, counted after decompression; the default is 16 MiB.
	MaxAnswer int64
	// MaxConns is how many sockets may be open to a host at a time, and how many calls may run; the default is 64. Further calls
	// wait.
	MaxConns int
	// CAFile is the path of a PEM file with authorities that are trusted besides the machine's; empty for none.
	CAFile string
	// UserAgent is sent with every request that has no user agent of its own; the default is "threadrelay".
	UserAgent string

	drainTime time.Duration // for tests on a machine that is busy
}

// setDefaults fills in what is zero.
func (c *Config) setDefaults() {
	fill(&c.Timeout, defaultTimeout)
	fill(&c.ConnectTimeout, c.Timeout/3)
	fill(&c.HeaderTimeout, c.Timeout/3*2)
	fill(&c.BodyTimeout, c.Timeout/3*2)
	fill(&c.MaxRequest, defaultMaxRequest)
	fill(&c.MaxAnswer, defaultMaxAnswer)
	fill(&c.MaxConns, defaultMaxConns)
	fill(&c.UserAgent, defaultUserAgent)
	fill(&c.drainTime, drainLimit)
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports everything that is wrong, each fault with the name of its field. It does not look into CAFile.
func (c Config) Validate() error {
	var faults []error
	notNegative := func(field string, negative bool) {
		if negative {
			faults = append(faults, fmt.Errorf("egress: %s: is negative", field))
		}
	}
	notNegative("Timeout", c.Timeout < 0)
	notNegative("ConnectTimeout", c.ConnectTimeout < 0)
	notNegative("HeaderTimeout", c.HeaderTimeout < 0)
	notNegative("BodyTimeout", c.BodyTimeout < 0)
	notNegative("MaxRequest", c.MaxRequest < 0)
	notNegative("MaxAnswer", c.MaxAnswer < 0)
	notNegative("MaxConns", c.MaxConns < 0)
	if strings.ContainsFunc(c.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		faults = append(faults, errors.New("egress: UserAgent: holds characters that do not fit into a header"))
	}
	return errors.Join(faults...)
}
