// Package ingest brings events in. It takes webhook calls, has the platform decode them, and answers 200 only when the bus
// has stored what came of them; it polls the platforms, whose cursors move only when the bus has stored a page; and it has
// events completed whose report left out where they belong. All of it ends on one way into the bus (shelf.go), so that what
// comes by several ways is stored once.
package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// MaxBody is the largest webhook body taken, in bytes, before and after decompression. NATS carries 1 MiB by default, and
// the event wants its envelope around the body.
const MaxBody = 512 << 10

// WebhookConfig is what a Webhook needs.
type WebhookConfig struct {
	Bus *bus.Bus
	// Connections are the platforms that take webhooks.
	Connections map[event.ConnectionID]relay.Receiver
	// StoreTimeout bounds the wait for the stream's acknowledgement; default 1.5 s. CometChat gives up after 2 s.
	StoreTimeout time.Duration
	// Polls are the connections that this process polls too. What a webhook brings tells them where to look; default none.
	Polls map[event.ConnectionID]*Poll
	Log   *slog.Logger
	// Metrics takes the collectors; default none.
	Metrics prometheus.Registerer
}

// Webhook answers POST /hooks/{connection}; it is to be mounted on that pattern.
type Webhook struct {
	cfg     WebhookConfig
	shelf   shelf
	calls   *prometheus.CounterVec
	seconds prometheus.Histogram
}

// NewWebhook returns a handler for the connections' webhooks.
func NewWebhook(cfg WebhookConfig) (*Webhook, error) {
	if cfg.StoreTimeout == 0 {
		cfg.StoreTimeout = 1500 * time.Millisecond
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	w := &Webhook{
		cfg:   cfg,
		shelf: shelf{publisher: cfg.Bus.Publisher(), hurried: cfg.Log},
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "threadrelay_hook_calls_total", Help: "Webhook calls, by connection and outcome.",
		}, []string{"connection", "outcome"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "threadrelay_hook_seconds", Help: "Time from the end of a webhook's header to its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 13),
		}),
	}
	if cfg.Metrics != nil {
		for _, c := range []prometheus.Collector{w.calls, w.seconds} {
			if err := cfg.Metrics.Register(c); err != nil {
				return nil, fmt.Errorf("ingest: metrics: %w", err)
			}
		}
	}
	return w, nil
}

// ServeHTTP takes one call.
func (w *Webhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	start := time.Now()
	id := event.ConnectionID(r.PathValue("connection"))
	receiver, known := w.cfg.Connections[id]
	a := answerNotFound()
	if known {
		a = w.take(rw, r, id, receiver)
	} else {
		id = "unknown" // whatever a stranger asks for must not become a metric of its own
	}
	w.calls.WithLabelValues(string(id), a.outcome).Inc()
	w.seconds.Observe(time.Since(start).Seconds())
	a.write(rw)
}

// take is the way of one call: body, credentials and decoding, storage.
func (w *Webhook) take(rw http.ResponseWriter, r *http.Request, id event.ConnectionID, receiver relay.Receiver) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			w.cfg.Log.Error("webhook panicked", "connection", id, "panic", p, "stack", string(debug.Stack()))
			a = refusal(errPanic)
		}
	}()
	body, err := readBody(rw, r)
	if err != nil {
		return w.refuse(id, err)
	}
	// A sender that hangs up, or closes its half of the connection, does not change what has to be stored.
	ctx := context.WithoutCancel(r.Context())
	events, err := receiver.Receive(r.Header, body)
	var shape *relay.ShapeError
	if errors.As(err, &shape) {
		return w.quarantine(ctx, id, shape)
	}
	if err != nil {
		return w.refuse(id, err)
	}
	ctx, cancel := context.WithTimeout(ctx, w.cfg.StoreTimeout)
	defer cancel()
	return w.store(ctx, id, events, func() []byte { return redacted(receiver, body) })
}

var (
	errTooLarge = errors.New("the body is too large")
	errEncoding = errors.New("unknown Content-Encoding")
	errBody     = errors.New("the body could not be read")
	errPanic    = errors.New("the platform's decoder panicked")
)

// readBody reads the whole body, decompressed, and never more than MaxBody bytes of either form.
func readBody(rw http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > MaxBody {
		return nil, errTooLarge
	}
	raw, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBody, err)
	}
	switch strings.ToLower(r.Header.Get("Content-Encoding")) { // RFC 9110, 8.4.1: case does not matter
	case "", "identity":
		return raw, nil
	case "gzip":
		return decompress(raw)
	}
	return nil, errEncoding
}

func decompress(raw []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBody, err)
	}
	body, err := io.ReadAll(io.LimitReader(z, MaxBody+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBody, err)
	}
	if len(body) > MaxBody {
		return nil, errTooLarge
	}
	return body, nil
}

func redacted(receiver relay.Receiver, body []byte) []byte {
	if r, ok := receiver.(relay.Redactor); ok {
		return r.Redact(body)
	}
	return body
}
