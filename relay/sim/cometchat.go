// Package sim holds fake chat platforms for demonstrations and tests. Each one is written from its platform's published
// documents alone and imports nothing else of this module, so that it can contradict the clients that are tested with it.
//
// [CometChat] answers the CometChat REST API (v3), sends its webhooks, and serves a small chat page for people to type into.
// Faults can be injected into any request. Everything is kept in memory.
package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// ErrClosed is returned by waits and changes after Close.
var ErrClosed = errors.New("sim: closed")

// CometChatConfig configures a simulated CometChat app.
type CometChatConfig struct {
	AppID  string // appId in webhook envelopes; default "sim-app"
	Region string // region in webhook envelopes; default "eu"
	APIKey string // value that the header apikey must carry; required

	Now            func() time.Time // clock for every time that the API shows; default time.Now
	WebhookTimeout time.Duration    // longest wait for a webhook's answer; default 2s (CometChat: fundamentals/webhooks-overview)
	// RetryDelays are the waits before each further attempt of a webhook with RetryOnFailure, each counted from the failure
	// before it; nil means the documented 10s and 30s.
	RetryDelays []time.Duration
	// RESTOnlyHooks suppresses message_sent and user_mentioned for what people type in the app (Say and the chat page), as
	// public live test suites report of the real service: only messages made through REST fire them.
	RESTOnlyHooks bool
	// SenderLimit is how many messages one sender may send through REST per minute; 0 means no limit and no rate headers. The
	// documented value is 30 (CometChat: rest-api/rate-limits).
	SenderLimit int

	Log *slog.Logger // default discards
}

func (c *CometChatConfig) setDefaults() {
	if c.AppID == "" {
		c.AppID = "sim-app"
	}
	if c.Region == "" {
		c.Region = "eu"
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.WebhookTimeout == 0 {
		c.WebhookTimeout = 2 * time.Second
	}
	if c.RetryDelays == nil {
		c.RetryDelays = []time.Duration{10 * time.Second, 30 * time.Second}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
}

// CometChat is a simulated CometChat app. All its methods may be called from several goroutines at once.
type CometChat struct {
	cfg    CometChatConfig
	born   time.Time
	api    http.Handler
	page   http.Handler
	client *http.Client

	ctx   context.Context // ends with Close
	stop  context.CancelFunc
	tasks sync.WaitGroup
	slots chan struct{} // one per webhook call that may run at a time

	mu       sync.Mutex
	closed   bool
	people   map[string]*person
	order    []string // uids in the order of their making
	groups   map[string]*group
	rooms    []string // guids in the order of their making
	store    store
	limits   map[string]*window
	hooks    []Webhook
	lanes    map[laneKey][]job
	faults   []*Fault
	watchers map[*watcher]struct{}
	requests recent[Request]
	sent     recent[Delivery]
	changed  chan struct{} // closed and replaced at each change of messages or people
	reported chan struct{} // closed and replaced at each delivery attempt
	revision int64         // counts changes
}

// NewCometChat makes an empty app. It fails without an API key.
func NewCometChat(cfg CometChatConfig) (*CometChat, error) {
	if cfg.APIKey == "" {
		return nil, errors.New("sim: CometChatConfig.APIKey is required")
	}
	if cfg.SenderLimit < 0 {
		return nil, fmt.Errorf("sim: CometChatConfig.SenderLimit is %d, want 0 or more", cfg.SenderLimit)
	}
	cfg.setDefaults()
	ctx, stop := context.WithCancel(context.Background())
	s := &CometChat{
		cfg: cfg, born: cfg.Now(), client: webhookClient(), ctx: ctx, stop: stop, slots: make(chan struct{}, webhooksAtOnce),
		people: map[string]*person{}, groups: map[string]*group{}, store: newStore(), limits: map[string]*window{},
		lanes: map[laneKey][]job{}, watchers: map[*watcher]struct{}{},
		changed: make(chan struct{}), reported: make(chan struct{}),
	}
	s.api = s.newAPI()
	page, err := s.newPage()
	if err != nil {
		stop()
		return nil, err
	}
	s.page = page
	return s, nil
}

// API serves the REST API under /v3/.
func (s *CometChat) API() http.Handler { return s.api }

// Page serves the chat page; mount it at the root of a listener of its own or beside the API.
func (s *CometChat) Page() http.Handler { return s.page }

// Close stops webhook deliveries, live pages, injected delays, watches and waits, and returns when their goroutines have ended.
// Webhooks not yet delivered are dropped. It may be called more than once.
func (s *CometChat) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.tasks.Wait()
	s.client.CloseIdleConnections()
}

// enter counts the caller as a task that Close waits for; the caller holds s.mu and calls s.tasks.Done at its end. It reports
// false when the simulator is closed.
func (s *CometChat) enter() bool {
	if s.closed {
		return false
	}
	s.tasks.Add(1)
	return true
}

// touch wakes everyone who waits for a change; the caller holds s.mu.
func (s *CometChat) touch() {
	s.revision++
	close(s.changed)
	s.changed = make(chan struct{})
}
