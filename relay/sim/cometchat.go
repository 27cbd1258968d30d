// Package sim holds fake chat platforms for demonstrations and tests. Each one is written from its platform's published
// documents alone and imports nothing else of this module, so that it can contradict the clients that are tested with it.
//
// [CometChat] answers the CometChat REST API (v3), sends its webhooks, and serves a small chat page for people to type into.
// Faults can be injected into requests and webhook deliveries. Everything is kept in memory.
package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
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
	APIKey string // value that the header apikey must carry (scope fullAccess); required
	// AuthKey is a second key, of the scope authOnly: it may make users and auth tokens, and gets 403 for everything else. Empty is
	// none.
	AuthKey string

	Now            func() time.Time // clock for every time that the API shows; default time.Now
	WebhookTimeout time.Duration    // longest wait for a webhook's answer; default 2s (CometChat: fundamentals/webhooks-overview)
	// RetryDelays are the waits before each further attempt of a webhook with RetryOnFailure, each counted from the failure
	// before it; nil means the documented 10s and 30s.
	RetryDelays []time.Duration
	// Speed is how many times faster than the clock on the wall the simulator's own waits pass: RetryDelays and what
	// DeliveryFault holds back; default 1.
	Speed float64
	// LegacyHooks makes the app's webhooks legacy ones: after_message, whose data is the message itself, also for edits, deletions
	// and memberships; receipts; after_connection_status_changed. Other triggers are not fired, and the synchronous before_message
	// is not called. An app runs one or the other (CometChat: fundamentals/webhooks-legacy-events).
	LegacyHooks bool
	// RESTOnlyHooks suppresses message_sent and user_mentioned for what people type in the app (Say and the chat page), as
	// public live test suites report of the real service: only messages made through REST fire them.
	RESTOnlyHooks bool
	// SenderLimit is how many messages one sender may send through REST per minute; 0 means no limit and no rate headers. The
	// documented value is 30 (CometChat: rest-api/rate-limits).
	SenderLimit int
	// AppLimit and CoreLimit are how many requests a minute the app takes; 0 means no limit and no rate headers. Core operations are
	// making and deleting users, making groups and adding members. The documented values are 20,000 and 10,000, and 500 for both
	// in the free plan (CometChat: articles/rate-limits, rest-api/rate-limits).
	AppLimit, CoreLimit int
	LimitPeriod         time.Duration // what stands in the place of the minute in these three; default 1 minute
	// DataLimit is how many bytes a message's data may have; default 10 KiB, as documented; negative means only the limit of
	// 65,536 characters, as live tests saw.
	DataLimit int

	// NewestFirst turns the rows of message lists round. The order is not documented; by default they rise.
	NewestFirst bool
	// ConversationArray answers a single conversation as an array of one, as the documented examples do, not as an object, as
	// their schema does.
	ConversationArray bool
	// PlainTexts keeps texts from asking for faults, which they do by beginning with names in brackets, such as "[429:30] hello".
	// In a message made through REST, faults of requests strike the very request that carries the text, the first time that it
	// comes; see Say for what is typed in the app, and [CometChat.Break] for the names.
	PlainTexts bool
	// FaultRates has requests go wrong at random; by default none does.
	FaultRates FaultRates

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
	if c.Speed == 0 {
		c.Speed = 1
	}
	if c.LimitPeriod == 0 {
		c.LimitPeriod = time.Minute
	}
	if c.DataLimit == 0 {
		c.DataLimit = maxData
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
	rooms    []string                       // guids in the order of their making
	joined   map[string]map[string]struct{} // by uid: the guids of the user's groups
	bots     map[string]*Bot
	store    store
	marks    map[markKey]*mark
	saved    map[string]int // by uid: how many messages are saved
	engine   *Moderation    // nil is none
	limits   map[string]*window
	standard window
	core     window
	traffic  traffic
	served   int64 // requests
	hooks    []Webhook
	lanes    map[laneKey][]job
	heldBack []*heldJob
	faults   []*Fault
	spent    map[string]struct{} // requests that were struck by their own text
	dice     *rand.Rand          // of FaultRates
	watchers map[*watcher]struct{}
	requests recent[Request]
	sent     recent[Delivery]
	changed  chan struct{} // closed and replaced at each change of messages or people
	reported chan struct{} // closed and replaced at each delivery attempt
	revision int64         // counts changes

	deliveryFaults []*DeliveryFault
}

// NewCometChat makes an empty app. It fails without an API key.
func NewCometChat(cfg CometChatConfig) (*CometChat, error) {
	if cfg.APIKey == "" {
		return nil, errors.New("sim: CometChatConfig.APIKey is required")
	}
	for name, limit := range map[string]int{"SenderLimit": cfg.SenderLimit, "AppLimit": cfg.AppLimit, "CoreLimit": cfg.CoreLimit} {
		if limit < 0 {
			return nil, fmt.Errorf("sim: CometChatConfig.%s is %d, want 0 or more", name, limit)
		}
	}
	if cfg.Speed < 0 {
		return nil, fmt.Errorf("sim: CometChatConfig.Speed is %g, want more than 0", cfg.Speed)
	}
	if cfg.LimitPeriod < 0 {
		return nil, fmt.Errorf("sim: CometChatConfig.LimitPeriod is %s, want more than 0", cfg.LimitPeriod)
	}
	if err := cfg.FaultRates.validate(); err != nil {
		return nil, err
	}
	if cfg.AuthKey == cfg.APIKey {
		return nil, errors.New("sim: CometChatConfig.AuthKey is the APIKey")
	}
	cfg.setDefaults()
	ctx, stop := context.WithCancel(context.Background())
	s := &CometChat{
		cfg: cfg, born: cfg.Now(), client: webhookClient(), ctx: ctx, stop: stop, slots: make(chan struct{}, webhooksAtOnce),
		people: map[string]*person{}, groups: map[string]*group{}, joined: map[string]map[string]struct{}{}, bots: map[string]*Bot{},
		store: newStore(), marks: map[markKey]*mark{}, saved: map[string]int{}, limits: map[string]*window{},
		lanes: map[laneKey][]job{}, spent: map[string]struct{}{}, watchers: map[*watcher]struct{}{},
		dice:    cfg.FaultRates.dice(),
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

// Close stops webhook deliveries, also those held back, live pages, injected delays, watches and waits, and returns when their goroutines have ended.
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
