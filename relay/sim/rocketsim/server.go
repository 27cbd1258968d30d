// Package rocketsim is a fake Rocket.Chat server for demonstrations and tests. It is written from Rocket.Chat's published sources
// and documents alone and imports nothing else of this module, so that it can contradict the client that is tested with it.
//
// [Server] answers the REST API (/api/v1) of the versions 7, 8 and 9, keeps messages, threads, edits and deletions as the real
// server does, calls outgoing webhooks, speaks DDP over WebSocket, and lets people talk in it through Go methods and a chat page.
// Faults can be injected into each. Everything is kept in memory.
package rocketsim

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// ErrClosed is returned by waits and changes after Close.
var ErrClosed = errors.New("rocketsim: closed")

// Server is a simulated Rocket.Chat workspace. All its methods may be called from several goroutines at once.
type Server struct {
	cfg      Config
	born     time.Time
	handler  http.Handler
	patterns patterns

	ctx   context.Context // ends with Close
	stop  context.CancelFunc
	tasks sync.WaitGroup

	mu           sync.Mutex
	closed       bool
	users        map[string]*user // by id
	names        map[string]*user // by username
	tokens       map[string]token // by sha256 of the token
	rooms        map[string]*room // by id
	roomOrder    []string         // ids in the order of their making
	store        store
	files        map[string]*upload // by id
	integrations []*integration     // never changed in place
	windows      map[string]*window // by method and route
	faults       []*Fault
	breakers     []breaker
	spent        map[string]struct{} // requests that were struck by their own text
	chaos        uint64              // state of the draws
	requests     requests
	traffic      traffic
	watchers     []*watcher    // of the change feed, in the order of their coming
	changed      chan struct{} // closed and replaced at each change
	revision     int64         // counts changes

	hooks outgoingHooks // what becomes of outgoing webhooks
	live  liveSessions  // who is connected to the realtime API
}

// New makes a workspace with the user rocket.cat (id "rocket.cat", role bot) and the public channel general (id "GENERAL"), as a fresh
// server has them. It fails when the configuration is not valid.
func New(cfg Config) (*Server, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Server{
		cfg: cfg, born: cfg.Now(), patterns: newPatterns(), ctx: ctx, stop: stop,
		users: map[string]*user{}, names: map[string]*user{}, tokens: map[string]token{}, rooms: map[string]*room{},
		store: newStore(), files: map[string]*upload{},
		windows: map[string]*window{}, spent: map[string]struct{}{}, chaos: cfg.Chaos.Seed, changed: make(chan struct{}),
	}
	if err := s.found(); err != nil {
		stop()
		return nil, err
	}
	mux := http.NewServeMux()
	s.mountAPI(mux)
	s.mountRealtime(mux)
	s.mountPage(mux)
	s.handler = mux
	s.startHooks()
	return s, nil
}

// found makes what every workspace has.
func (s *Server) found() error {
	if _, err := s.AddUser(User{ID: "rocket.cat", Username: "rocket.cat", Name: "Rocket.Cat", Roles: []string{"bot"}}); err != nil {
		return err
	}
	_, err := s.AddRoom(Room{ID: "GENERAL", Type: Channel, Name: "general", Members: []string{"rocket.cat"}})
	return err
}

// Handler serves everything: the REST API, downloads, the realtime endpoint and the chat page.
func (s *Server) Handler() http.Handler { return s.handler }

// Close ends the change feed, webhooks, realtime connections, live pages, injected delays, watches and waits, and returns when their
// goroutines have ended. Webhooks not yet delivered are dropped. It may be called more than once.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.tasks.Wait()
	s.hooks.client.CloseIdleConnections()
}

// enter counts the caller as a task that Close waits for; the caller holds s.mu and calls s.tasks.Done at its end. It reports
// false when the simulator is closed.
func (s *Server) enter() bool {
	if s.closed {
		return false
	}
	s.tasks.Add(1)
	return true
}

// touch wakes everyone who waits for a change; the caller holds s.mu.
func (s *Server) touch() {
	s.revision++
	close(s.changed)
	s.changed = make(chan struct{})
}

// now is the time as documents keep it, in whole milliseconds.
func (s *Server) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Millisecond) }
