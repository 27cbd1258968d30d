package rocketsim_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func TestFaultsOfEvents(t *testing.T) {
	for name, c := range map[string]struct {
		fault rocketsim.RealtimeFault
		want  string // texts, and ! for a frame that is no JSON
	}{
		"lost":          {rocketsim.RealtimeFault{Lose: true, Times: 1}, "2 3"},
		"twice":         {rocketsim.RealtimeFault{Duplicate: true, Times: 2}, "1 1 2 2 3"},
		"with garbage":  {rocketsim.RealtimeFault{Garbage: true, Times: 1}, "! 1 2 3"},
		"until cleared": {rocketsim.RealtimeFault{Lose: true}, ""},
		"of another":    {rocketsim.RealtimeFault{RefuseLogin: true}, "1 2 3"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newSite(t, rocketsim.Config{})
			w := x.online("ann").hears(roomMessages, "GENERAL")
			x.InjectRealtime(c.fault)
			for _, text := range []string{"1", "2", "3"} {
				x.say(in("ben", text))
			}
			const end = `{"msg":"end"}`
			x.SendRealtime(end)
			var got []string
			for {
				raw, err := w.raw()
				must(t, err)
				var f struct {
					Fields struct{ Args []struct{ Msg string } }
				}
				if raw == end {
					break
				}
				told := "!"
				if json.Unmarshal([]byte(raw), &f) == nil {
					told = f.Fields.Args[0].Msg
				}
				got = append(got, told)
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
			x.ClearFaults()
			x.say(in("ben", "4"))
			if m := w.told("GENERAL"); m["msg"] != "4" {
				t.Errorf("after clearing %v", m)
			}
		})
	}
}

func TestCutInsteadOfAnEvent(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	w := x.online("ann").hears(roomMessages, "GENERAL")
	must(t, x.Break("event-cut", 1))
	x.say(in("ben", "1"))
	w.ended(-1)
	w = x.online("ann").hears(roomMessages, "GENERAL")
	x.say(in("ben", "2"))
	w.told("GENERAL")
}

func TestFaultsOfConnections(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	must(t, x.Break("live-refused", 1), x.Break("live-silent", 1))
	_, status, err := open(within(t), x.url, nil)
	if err == nil || status != http.StatusServiceUnavailable {
		t.Errorf("refused with %v", err)
	}
	silent, _, err := open(within(t), x.url, nil)
	must(t, err)
	defer func() { _ = silent.CloseNow() }()
	must(t, silent.Write(within(t), websocket.MessageText, []byte(`{"msg":"connect","version":"1","support":["1"]}`)))
	w := x.online("ann").hears(roomMessages, "GENERAL") // the third one is not struck
	x.say(in("ben", "1"))
	w.told("GENERAL")
	if st := x.Realtime(); st.Stalled != 1 || st.Connections != 2 || st.Accepted != 2 || st.Users != 1 {
		t.Errorf("status %+v", st)
	}
	if n := x.StallRealtime(); n != 2 {
		t.Errorf("%d connections stalled", n)
	}
	x.say(in("ben", "2"))
	w.say(`{"msg":"ping"}`)
	x.SendRealtime("hello")
	silence, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	heard := make(chan struct{})
	go func() { // whoever pings must read
		defer close(heard)
		if raw, err := w.raw(); err == nil {
			t.Errorf("a stalled connection said %q", raw)
		}
	}()
	if err := w.conn.Ping(silence); err == nil {
		t.Error("a stalled connection answers WebSocket's pings")
	}
	x.DropRealtime()
	<-heard
	if _, raw, err := silent.Read(within(t)); err == nil {
		t.Errorf("a silent connection said %q", raw)
	}
}

func TestRefusedLogin(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	must(t, x.Break("login-refused", 1))
	w := x.connected()
	if e := w.call("login", object{"resume": "token-ann"})["error"]; e == nil {
		t.Error("login passed")
	}
	if e := w.call("login", object{"resume": "token-ann"})["error"]; e != nil {
		t.Errorf("second login: %v", e)
	}
}

func TestNamesBreakRealtime(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	w := x.online("ann").hears(roomMessages, "GENERAL")
	must(t, x.Break("event-garbage", 1), x.Break("event-dup", 1), x.Break("event-lost", 0))
	x.say(in("ben", "1"))
	if raw, err := w.raw(); err != nil || json.Valid([]byte(raw)) {
		t.Errorf("got %q %v", raw, err)
	}
	w.told("GENERAL")
	x.say(in("ben", "2"))
	w.told("GENERAL")
	w.told("GENERAL")
	x.say(in("ben", "3"))
	w.quiet()
	x.ClearFaults()
	must(t, x.Break("live-stall", 1), x.Break("live-cut", 1))
	w.ended(-1)
	for _, name := range []string{"event", "event-lost:1", "live"} {
		if x.Break(name, 1) == nil {
			t.Errorf("there is a fault %q", name)
		}
	}
}

func TestRevokedTokensCutConnections(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	ann, ben := x.online("ann"), x.online("ben")
	must(t, x.RevokeTokens("ann"))
	ann.ended(-1)
	ben.quiet()
	w := x.connected()
	if e := w.call("login", object{"resume": "token-ann"})["error"]; e == nil {
		t.Error("a revoked token logs in")
	}
}

func TestClientsThatDoNotReadAreGivenUp(t *testing.T) {
	x := newSite(t, rocketsim.Config{Realtime: rocketsim.RealtimeConfig{MaxBuffered: 2000}})
	w := x.online("ann").hears(roomMessages, "GENERAL")
	x.say(in("ben", "short"))
	w.told("GENERAL")
	x.say(in("ben", strings.Repeat("long ", 500)))
	w.ended(websocket.StatusTryAgainLater)
}

func TestCloseEndsConnections(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	w := x.online("ann").hears(roomMessages, "GENERAL")
	x.Close()
	w.ended(-1)
	if st := x.Realtime(); st.Connections != 0 {
		t.Errorf("status %+v", st)
	}
}

// pipes is a listener of connections that need no network, so that they can be waited for in a bubble.
type pipes struct {
	waiting chan net.Conn
	closed  chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.waiting:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// dial connects a websocket through a pipe.
func (p *pipes) dial(t *testing.T) *websocket.Conn {
	t.Helper()
	there, here := net.Pipe()
	p.waiting <- there
	conn, _, err := open(t.Context(), "http://pipe.test", &http.Client{Transport: onlyConn{here}})
	must(t, err)
	return conn
}

// onlyConn makes one request on one connection.
type onlyConn struct{ net.Conn }

func (c onlyConn) RoundTrip(r *http.Request) (*http.Response, error) {
	written := make(chan error, 1)
	go func() { written <- r.Write(c.Conn) }()
	head := make([]byte, 0, 4096)
	for one := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, one...) {
		if _, err := io.ReadFull(c.Conn, one); err != nil {
			return nil, err
		}
	}
	resp := &http.Response{StatusCode: http.StatusSwitchingProtocols, Header: http.Header{}, Body: c.Conn, Request: r}
	for _, line := range strings.Split(string(head), "\r\n")[1:] {
		if key, value, ok := strings.Cut(line, ": "); ok {
			resp.Header.Set(key, value)
		}
	}
	return resp, <-written
}

// TestIdleConnections runs on a clock of its own, without a network.
func TestIdleConnections(t *testing.T) {
	for _, c := range []struct {
		speed  float64
		idle   time.Duration
		answer bool
		pinged []time.Duration
		closed time.Duration // 0 for never, within the minutes that are looked at
	}{
		{0, 0, false, []time.Duration{30 * time.Second}, time.Minute},
		{10, 0, false, []time.Duration{3 * time.Second}, 6 * time.Second},
		{0, 10 * time.Second, false, []time.Duration{10 * time.Second}, 20 * time.Second},
		{0, time.Minute, true, []time.Duration{time.Minute, 2 * time.Minute, 3 * time.Minute, 4 * time.Minute}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s, err := rocketsim.New(rocketsim.Config{Speed: c.speed, Realtime: rocketsim.RealtimeConfig{IdlePing: c.idle}})
			must(t, err)
			line := newPipes()
			server := &http.Server{Handler: s.Handler()}
			go func() { _ = server.Serve(line) }()
			start := time.Now()
			conn := line.dial(t)
			var pinged []time.Duration
			closed := time.Duration(0)
			enough := time.AfterFunc(4*time.Minute+time.Second, func() { s.DropRealtime() })
			defer enough.Stop()
			for {
				_, raw, err := conn.Read(t.Context())
				if err != nil {
					if websocket.CloseStatus(err) == 4000 {
						closed = time.Since(start)
					} else if !errors.Is(err, io.EOF) {
						t.Error(err)
					}
					break
				}
				if string(raw) != `{"msg":"ping"}` {
					continue
				}
				pinged = append(pinged, time.Since(start))
				if c.answer {
					must(t, conn.Write(t.Context(), websocket.MessageText, []byte(`{"msg":"pong"}`)))
				}
			}
			if closed != c.closed || len(pinged) != len(c.pinged) {
				t.Errorf("pinged at %v, closed at %v; want %v and %v", pinged, closed, c.pinged, c.closed)
			}
			for i, at := range pinged {
				if at != c.pinged[i] {
					t.Errorf("pinged at %v, want %v", pinged, c.pinged)
				}
			}
			_ = conn.CloseNow()
			s.Close()
			_ = server.Close()
		})
	}
}
