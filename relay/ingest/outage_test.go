package ingest_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

const notStored = "the event could not be stored, please repeat"

// valve is a way to a server that can be shut: what the client sends still arrives, what the server says does not.
type valve struct {
	srv *bustest.Server

	mu   sync.Mutex
	open chan struct{} // closed while the valve is open
}

func (v *valve) InProcessConn() (net.Conn, error) {
	c, err := v.srv.InProcessConn()
	if err != nil {
		return nil, err
	}
	return &valveConn{Conn: c, valve: v, gone: make(chan struct{})}, nil
}

func (v *valve) shut() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.open = make(chan struct{})
}

func (v *valve) wayFree() chan struct{} {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.open
}

type valveConn struct {
	net.Conn
	valve *valve
	once  sync.Once
	gone  chan struct{}
}

func (c *valveConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	select {
	case <-c.valve.wayFree():
	case <-c.gone:
	}
	return n, err
}

func (c *valveConn) Close() error {
	c.once.Do(func() { close(c.gone) })
	return c.Conn.Close()
}

// openValve opens a bus whose way to the server has a valve.
func openValve(t *testing.T, srv *bustest.Server) (*bus.Bus, *valve) {
	t.Helper()
	v := &valve{srv: srv, open: make(chan struct{})}
	close(v.open)
	nc, err := nats.Connect("", nats.InProcessServer(v))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	return b, v
}

// repeat makes a call as a platform does: again and again as long as the answer is 503. It returns how often it was that.
func (h *hook) repeat(body string) int {
	h.t.Helper()
	for n, end := 0, time.Now().Add(bustest.Patience); time.Now().Before(end); n++ {
		got := h.post(body)
		if got.status == http.StatusServiceUnavailable {
			continue
		}
		wantAnswer(h.t, got, http.StatusOK, "")
		return n
	}
	h.t.Fatal("no end of 503")
	return 0
}

func TestAStoppedServerIsSaidAtOnceAndTheRepeatIsStoredOnce(t *testing.T) {
	cases := []struct {
		name, body   string
		events, dead int
		calls        string
	}{
		{"an event", `{"id":"1","text":"hi"}`, 1, 0, "support/stored"},
		{"a dead letter", `{"x":1}`, 0, 1, "support/kept_as_dead_letter"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			srv := bustest.StartServer(t, "")
			h := serve(t, srv.Open(bus.Config{}), bustest.Patience, nil)
			srv.Stop()
			for range 3 {
				got := h.post(c.body)
				wantAnswer(t, got, http.StatusServiceUnavailable, notStored)
				if got.took > 1500*time.Millisecond {
					t.Errorf("the answer took %s", got.took)
				}
			}
			h.wantCalls(map[string]int{"support/not_stored": 3})
			srv.Start()
			n := h.repeat(c.body)
			h.wantCalls(map[string]int{"support/not_stored": 3 + n, c.calls: 1})
			wantStored(t, srv, c.events, c.dead)
		})
	}
}

func TestAMissingStreamIsNeverTakenForStored(t *testing.T) {
	srv := bustest.StartServer(t, "")
	h := serve(t, srv.Open(bus.Config{}), 0, nil)
	js, err := jetstream.New(srv.Connect())
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream(bustest.Context(t), bus.EventsStream); err != nil {
		t.Fatal(err)
	}
	wantAnswer(t, h.post(`{"id":"1","text":"hi"}`), http.StatusServiceUnavailable, notStored)
	srv.Open(bus.Config{}) // another process makes the stream anew
	n := h.repeat(`{"id":"1","text":"hi"}`)
	h.wantCalls(map[string]int{"support/not_stored": 1 + n, "support/stored": 1})
	wantStored(t, srv, 1, 0)
}

func TestAnAcknowledgementThatDoesNotComeInTime(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b, v := openValve(t, srv)
	h := serve(t, b, 0, nil)
	v.shut()
	for _, body := range []string{`{"id":"1","text":"hi"}`, `{"x":1}`} {
		got := h.post(body)
		wantAnswer(t, got, http.StatusServiceUnavailable, notStored)
		if got.took < 1400*time.Millisecond || got.took > 4*time.Second {
			t.Errorf("the answer took %s, not about 1.5 s", got.took)
		}
	}
	h.wantCalls(map[string]int{"support/not_stored": 2})
	close(v.wayFree())
}

func TestStoredButNotAcknowledgedIsADuplicateWhenRepeated(t *testing.T) {
	const said, odd = `{"id":"1","text":"hi"}`, `{"x":1}`
	srv := bustest.StartServer(t, "")
	b, v := openValve(t, srv)
	h := serve(t, b, 200*time.Millisecond, nil)
	v.shut()
	for _, body := range []string{said, odd} {
		wantAnswer(t, h.post(body), http.StatusServiceUnavailable, notStored)
	}
	for end := time.Now().Add(bustest.Patience); srv.Count(bus.EventsStream) == 0 || srv.Count(bus.DeadStream) == 0; {
		if time.Now().After(end) {
			t.Fatal("what was sent did not arrive")
		}
	}
	close(v.wayFree())
	n := h.repeat(said) + h.repeat(odd)
	h.wantCalls(map[string]int{"support/not_stored": 2 + n, "support/duplicate": 1, "support/kept_as_dead_letter": 1})
	wantStored(t, srv, 1, 1)
}

// Whether a timeout of no time at all is noticed before the acknowledgement is a matter of chance; what 200 means is not.
func TestATimeoutThatIsOverAtOnce(t *testing.T) {
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	hasty, patient := serve(t, b, time.Nanosecond, nil), serve(t, b, bustest.Patience, nil)
	for i := range 50 {
		body := fmt.Sprintf(`{"id":"%d","text":"hi"}`, i)
		got := hasty.post(body)
		if got.status == http.StatusOK {
			wantStored(t, srv, i+1, 0)
		} else {
			wantAnswer(t, got, http.StatusServiceUnavailable, notStored)
		}
		wantAnswer(t, patient.post(body), http.StatusOK, "")
		wantStored(t, srv, i+1, 0)
	}
}

func TestASenderThatHangsUpDoesNotLoseItsEvent(t *testing.T) {
	srv := bustest.StartServer(t, "")
	ctx, hangUp := context.WithCancel(context.Background())
	defer hangUp()
	platform := receiver(func(http.Header, []byte) ([]event.Event, error) {
		hangUp() // between the end of the call's body and the event's storage
		return []event.Event{created("1", "hi")}, nil
	})
	h := serve(t, srv.Open(bus.Config{}), bustest.Patience, map[event.ConnectionID]relay.Receiver{"support": platform})
	rec := httptest.NewRecorder()
	h.handler.ServeHTTP(rec, h.request(strings.NewReader("")).WithContext(ctx))
	if rec.Code != http.StatusOK {
		t.Errorf("answer %d %s", rec.Code, rec.Body)
	}
	h.wantCalls(map[string]int{"support/stored": 1})
	wantStored(t, srv, 1, 0)
}
