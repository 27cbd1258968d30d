package console_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay/console"
)

func TestAListingHasItsOwnDeadlines(t *testing.T) {
	m := openMorgue(t, "")
	w := &paced{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest(http.MethodGet, "/dead", nil)
	r.Host = "localhost"
	m.Handler().ServeHTTP(w, r)
	if !reflect.DeepEqual(w.read, []time.Time{{}}) {
		t.Errorf("deadlines for reading: %v, want none", w.read)
	}
	if len(w.write) < 4 || time.Until(w.write[3]) <= 0 {
		t.Errorf("deadlines for writing: %v, want one for each line", w.write)
	}
}

// paced notes the deadlines that a handler sets.

type paced struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (p *paced) SetReadDeadline(at time.Time) error { p.read = append(p.read, at); return nil }

func (p *paced) SetWriteDeadline(at time.Time) error { p.write = append(p.write, at); return nil }

// cutter ends the request's context, or drains the console, when the first line is written.

type cutter struct {
	*httptest.ResponseRecorder
	cut func()
}

func (c *cutter) Write(p []byte) (int, error) {
	defer c.cut()
	return c.ResponseRecorder.Write(p)
}

func TestAListingThatIsCutOffSaysSo(t *testing.T) {
	for name, want := range map[string]string{"drain": "being stopped", "cancel": "context canceled"} {
		t.Run(name, func(t *testing.T) {
			m := openMorgue(t, "")
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			w := &cutter{httptest.NewRecorder(), map[string]func(){"drain": m.Drain, "cancel": cancel}[name]}
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/dead", nil)
			r.Host = "localhost"
			m.Handler().ServeHTTP(w, r)
			all, err := io.ReadAll(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(all)), "\n")
			if w.Code != 200 || len(lines) != 2 || !strings.Contains(lines[1], `{"error":"`) || !strings.Contains(lines[1], want) {
				t.Errorf("%d, lines %q", w.Code, lines)
			}
		})
	}
}

func TestDeadLettersWithoutTheBus(t *testing.T) {
	srv := bustest.StartServer(t, "")
	nc := srv.Connect()
	b, err := bus.Open(bustest.Context(t), bus.Config{Conn: nc})
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	m := &morgue{t: t, bus: b, Console: console.New(console.Config{Metrics: registry(), Dead: &console.Dead{Bus: b}})}
	for path, method := range map[string]string{"/dead": http.MethodGet, "/dead/1": http.MethodGet, "/dead/2": http.MethodDelete, "/dead/1/replay": http.MethodPost} {
		rec := m.ask(method, path)
		var p console.Problem
		if err := json.Unmarshal(rec.Body.Bytes(), &p); err != nil || rec.Code != 503 || !strings.Contains(p.Error, "not connected") {
			t.Errorf("%s %s: %d %s", method, path, rec.Code, rec.Body)
		}
	}
}
