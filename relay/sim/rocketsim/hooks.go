package rocketsim

import (
	"math/rand/v2"
	"net/http"
	"time"
)

const (
	hooksAtOnce = 16       // webhook calls that run at a time
	maxAnswer   = 10 << 20 // bytes of a webhook's answer that the server reads (Rocket.Chat: triggerHandler.ts)
	// hookAgent is what the server calls itself to webhooks.
	hookAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/41.0.2227.0 Safari/537.36"
)

// HooksConfig configures how outgoing webhooks are called.
type HooksConfig struct {
	Timeout   time.Duration     // longest wait for an answer, on the wall's clock; default 20 s
	Transport http.RoundTripper // what carries the calls; default one of its own
	// Unordered calls a webhook for several messages of a room at once, as the real server does. By default one call ends before
	// the next begins, so that tests find what they expect.
	Unordered bool
	// BotObject is for old servers, which tell what posted a message as the message has it, an object, and do not tell siteUrl.
	BotObject bool
	// NoTMID is for servers before 1.2, which do not tell that a message is a reply (Rocket.Chat: pull request 14699).
	NoTMID bool
	Seed   uint64 // what DeliveryFault.Shuffle draws from
}

func (c *HooksConfig) setDefaults() {
	if c.Timeout == 0 {
		c.Timeout = 20 * time.Second
	}
	if c.Transport == nil {
		c.Transport = &http.Transport{MaxIdleConnsPerHost: hooksAtOnce, IdleConnTimeout: 30 * time.Second}
	}
}

// outgoingHooks is what becomes of outgoing webhooks; the server's lock guards it.
type outgoingHooks struct {
	client   *http.Client
	slots    chan struct{} // one per call that may run at a time
	lanes    map[hookLane][]hookJob
	faults   []*DeliveryFault
	held     []*heldHook
	draw     *rand.Rand
	sent     []Delivery
	pending  int           // bodies on their way: waiting, held back, being sent or to be sent again
	reported chan struct{} // closed and replaced at each attempt and each end of a body's way
}

// startHooks makes outgoing webhooks possible; it is called once, in New, without s.mu.
func (s *Server) startHooks() {
	c := s.cfg.Hooks
	s.mu.Lock()
	s.hooks = outgoingHooks{
		client: &http.Client{Transport: c.Transport}, slots: make(chan struct{}, hooksAtOnce), lanes: map[hookLane][]hookJob{},
		draw: rand.New(rand.NewPCG(c.Seed, 0)), reported: make(chan struct{}), //nolint:gosec // chance that a test can repeat
	}
	s.mu.Unlock()
	s.onBreak(breaker{inject: s.breakDelivery, mend: s.mendDelivery})
}
