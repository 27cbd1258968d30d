// Package console is the admin listener: whether the process lives and is ready, its metrics, and its dead letters.
package console

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// checkTimeout bounds one round of readiness checks.
const checkTimeout = time.Second

// Check looks at one component.
type Check struct {
	Name string
	// Look returns nil if the component works. It must return when its context ends.
	Look func(context.Context) error
	// Vital is set where the process is not ready without the component.
	Vital bool
	// Detail returns more about the component, to be shown as JSON; nil adds nothing. The page needs no token, so it must not
	// tell who talks to whom, nor why something fails. It must return at once.
	Detail func() any
}

// Config is what a Console needs.
type Config struct {
	Checks  []Check
	Metrics prometheus.Gatherer
	// Token guards everything but /livez and /readyz, as "Authorization: Bearer <token>"; empty leaves it open.
	Token string
	// Dead serves the dead letters at /dead; nil leaves them out.
	Dead *Dead
	Log  *slog.Logger
}

// Console serves the admin listener.
type Console struct {
	cfg      Config
	draining atomic.Bool
}

// New returns a console.
func New(cfg Config) *Console {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Console{cfg: cfg}
}

// Drain makes /readyz say that the process takes nothing more.
func (c *Console) Drain() { c.draining.Store(true) }

// Handler returns the pages.
func (c *Console) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", Alive)
	mux.HandleFunc("GET /readyz", c.ready)
	mux.Handle("GET /metrics", c.guard(promhttp.HandlerFor(c.cfg.Metrics, promhttp.HandlerOpts{})))
	c.mountDead(mux)
	return mux
}

// Alive answers /livez: 200 as long as the process can answer at all.
func Alive(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{\"status\":\"alive\"}\n")) // the caller has gone if this fails
}

type readiness struct {
	Status     string            `json:"status"`
	Components map[string]string `json:"components"`
	Details    map[string]any    `json:"details,omitempty"`
}

// add notes a component's details.
func (r *readiness) add(name string, detail any) {
	if r.Details == nil {
		r.Details = make(map[string]any)
	}
	r.Details[name] = detail
}

// ready answers 200 if every vital component works and the process does not drain. Reasons are logged, not shown: the page
// needs no token.
func (c *Console) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkTimeout)
	defer cancel()
	report := readiness{Status: "ready", Components: make(map[string]string)}
	status := http.StatusOK
	problems := c.look(ctx)
	for i, check := range c.cfg.Checks {
		report.Components[check.Name] = "ok"
		if err := problems[i]; err != nil {
			c.cfg.Log.Debug("not ready", "component", check.Name, "error", err)
			report.Components[check.Name] = "failing"
			if check.Vital {
				report.Status, status = "not ready", http.StatusServiceUnavailable
			}
		}
		if check.Detail != nil {
			report.add(check.Name, check.Detail())
		}
	}
	if c.draining.Load() {
		report.Status, status = "draining", http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(report) // the caller has gone if this fails
}

// look makes all checks side by side, so that none that hangs uses up the time of the others.
func (c *Console) look(ctx context.Context) []error {
	problems := make([]error, len(c.cfg.Checks))
	var all sync.WaitGroup
	for i, check := range c.cfg.Checks {
		all.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					problems[i] = fmt.Errorf("console: check of %s panicked: %v", check.Name, p)
				}
			}()
			problems[i] = check.Look(ctx)
		})
	}
	all.Wait()
	return problems
}

// guard asks for the token, if there is one.
func (c *Console) guard(next http.Handler) http.Handler {
	if c.cfg.Token == "" {
		return next
	}
	want := sha256.Sum256([]byte(c.cfg.Token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		got := sha256.Sum256([]byte(token))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !bearer {
			w.Header().Set("WWW-Authenticate", `Bearer realm="threadrelay"`)
			http.Error(w, "the admin token is needed: Authorization: Bearer <token>", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
