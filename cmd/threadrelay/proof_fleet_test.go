package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// fleet is the relays that run side by side.
type fleet struct {
	t       *testing.T
	binary  string
	environ []string
	front   *front
	all     []*relayProcess
	gone    []*relayProcess
}

// start starts n relays and has the platform call them.
func (p *proof) start(n int, environ []string) {
	p.t.Helper()
	p.fleet = &fleet{t: p.t, binary: buildBinary(p.t), environ: environ, front: newFront(p.t)}
	p.t.Cleanup(p.fleet.report)
	for range n {
		p.fleet.all = append(p.fleet.all, nil)
		p.fleet.replace(len(p.fleet.all) - 1)
	}
	err := p.chat.AddWebhook(sim.Webhook{
		ID: "front", URL: p.fleet.front.url + "/hooks/cometchat", Username: demoHook, Password: hookPassword, RetryOnFailure: true,
	})
	if err != nil {
		p.t.Fatal(err)
	}
}

// launch starts a relay and does not wait for it.
func (f *fleet) launch() *relayProcess { return launchBinary(f.t, f.binary, f.environ) }

// replace puts a new relay in the place of one that is gone.
func (f *fleet) replace(i int) {
	f.t.Helper()
	f.all[i] = f.launch()
	f.all[i].awaitReady()
	f.front.lead(i, f.all[i].public)
}

// kill kills a relay, unless it has ended by itself, which is a fault.
func (f *fleet) kill(i int) {
	f.t.Helper()
	r := f.all[i]
	select {
	case <-r.ended:
		f.t.Errorf("a relay ended by itself, with code %d:\n%s", r.code, tail(r.err.String()))
	default:
	}
	f.front.lead(i, "")
	r.kill()
	f.gone = append(f.gone, r)
}

// drain stops all relays in the orderly way.
func (f *fleet) drain() {
	f.t.Helper()
	for _, r := range f.all {
		if code := r.drain(); code != exitDone {
			f.t.Errorf("exit code %d:\n%s", code, tail(r.err.String()))
		}
	}
}

// report shows the end of the relays' logs if the test has failed.
func (f *fleet) report() {
	if !f.t.Failed() {
		return
	}
	for _, r := range append(f.gone[max(0, len(f.gone)-3):], f.all...) {
		if r != nil {
			f.t.Logf("a relay's log ends:\n%s", tail(r.err.String()))
		}
	}
}

// tail is the last lines of a text.
func tail(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-30):], "\n")
}

// front is where the platform's webhooks arrive. It hands each to a relay that runs, again and again until it is taken, so
// that they are stored in the order in which the platform sends them.
type front struct {
	url    string
	client *http.Client

	mu      sync.Mutex
	at      map[int]string
	changed chan struct{}
}

func newFront(t *testing.T) *front {
	t.Helper()
	f := &front{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}, at: make(map[int]string), changed: make(chan struct{})}
	srv := httptest.NewServer(f)
	f.url = srv.URL
	t.Cleanup(func() {
		f.client.CloseIdleConnections()
		srv.CloseClientConnections() // the platform may still be waiting for a relay
		srv.Close()
	})
	return f
}

// lead says where a relay is; empty if it is nowhere.
func (f *front) lead(relay int, address string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at[relay] = address
	if address == "" {
		delete(f.at, relay)
	}
	close(f.changed)
	f.changed = make(chan struct{})
}

// choose returns where a relay is, any of them, and a channel that is closed when that changes.
func (f *front) choose() (address string, changed <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, address = range f.at {
		break
	}
	return address, f.changed
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	pause := time.NewTicker(20 * time.Millisecond)
	defer pause.Stop()
	for {
		address, changed := f.choose()
		if address != "" && f.hand(r, address, body) {
			return // 200 to the platform
		}
		select {
		case <-changed:
		case <-pause.C:
		case <-r.Context().Done():
			w.WriteHeader(http.StatusBadGateway)
			return
		}
	}
}

// hand gives a webhook call to a relay and reports whether it was taken.
func (f *front) hand(r *http.Request, address string, body []byte) bool {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+address+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header = r.Header.Clone()
	res, err := f.client.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode == http.StatusOK
}
