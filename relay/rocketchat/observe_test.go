package rocketchat

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// limited returns a handler that answers with headers.
func limited(status int, body string, headers map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		answer(status, body)(w, r)
	}
}

func ms(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

func TestReadings(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	const slow = `{"success":false,"error":"Please slow down. You must wait 42 seconds before trying this endpoint again. [error-too-many-requests]"}`
	tests := []struct {
		name    string
		status  int
		body    string
		headers map[string]string
		want    *relay.Reading
	}{
		{"told", 200, `{"success":true,"_id":"u"}`, map[string]string{"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": ms(now.Add(42 * time.Second))},
			&relay.Reading{Limit: 10, Remaining: 7, Reset: now.Add(42 * time.Second).UTC()}},
		{"not told", 200, `{"success":true,"_id":"u"}`, nil, nil},
		{"a refusal", 400, `{"success":false}`, map[string]string{"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "0"}, &relay.Reading{Limit: 10}},
		{"used up", 429, slow, map[string]string{"X-RateLimit-Limit": "10", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": ms(now.Add(7 * time.Second))},
			&relay.Reading{Limit: 10, Reset: now.Add(7 * time.Second).UTC(), Pause: 7 * time.Second}},
		{"used up, in words", 429, slow, nil, &relay.Reading{Limit: -1, Remaining: -1, Pause: 42 * time.Second}},
		{"used up, for ever", 429, slow, map[string]string{"X-RateLimit-Reset": "99999999999999"}, &relay.Reading{Limit: -1, Remaining: -1, Pause: 42 * time.Second}},
		{"used up, without a word", 429, ``, map[string]string{"X-RateLimit-Limit": "many"}, &relay.Reading{Limit: -1, Remaining: -1}},
		{"by a clock ahead", 429, slow, map[string]string{"Date": now.Add(time.Hour).UTC().Format(http.TimeFormat), "X-RateLimit-Reset": ms(now.Add(time.Hour + 9*time.Second))},
			&relay.Reading{Limit: -1, Remaining: -1, Reset: now.Add(9 * time.Second).UTC(), Pause: 9 * time.Second}},
		{"of a proxy", 503, ``, map[string]string{"Retry-After": "3"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []relay.Reading
			var seen []Observation
			srv := httptest.NewServer(limited(tt.status, tt.body, tt.headers))
			t.Cleanup(srv.Close)
			c := newConnection(t, func(cfg *Config) {
				cfg.URL, cfg.Meter, cfg.Observe = srv.URL, func(r relay.Reading) { got = append(got, r) }, func(o Observation) { seen = append(seen, o) }
			})
			c.client.now = func() time.Time { return now }
			_, err := c.client.Me(t.Context())
			if len(seen) != 1 || seen[0].Method != "GET" || seen[0].Route != "me" || seen[0].Status != tt.status || seen[0].Start.IsZero() || seen[0].Clock.IsZero() {
				t.Errorf("observed %+v", seen)
			}
			if tt.want == nil {
				if len(got) != 0 {
					t.Errorf("got %+v", got)
				}
				return
			}
			tt.want.Group = relay.Group{Scope: "route", Key: "me"}
			if len(got) != 1 || got[0] != *tt.want {
				t.Errorf("got %+v, want %+v", got, *tt.want)
			}
			if f := failure(err); tt.status == 429 && (f.After != tt.want.Pause || f.Group != tt.want.Group || f.Kind != relay.RateLimited) {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	for value, want := range map[string]time.Duration{
		"": 0, "0": 0, "7": 7 * time.Second, "\t30": 30 * time.Second, "1.5": 1500 * time.Millisecond, "-5": 0, "soon": 0, "NaN": 0, "1e300": time.Hour,
		now.Add(time.Minute).UTC().Format(http.TimeFormat): time.Minute, now.Add(-time.Minute).UTC().Format(http.TimeFormat): 0,
	} {
		for _, status := range []int{429, 503} {
			h := http.Header{}
			h.Set("Retry-After", value)
			if got := retryAfter(&http.Response{StatusCode: status, Header: h}, "", now); got != want {
				t.Errorf("%d %q: %s, want %s", status, value, got, want)
			}
		}
	}
	if got := waitInText("You must wait many seconds"); got != 0 {
		t.Error(got)
	}
}

func TestCapabilities(t *testing.T) {
	budgets := func(c *Connection) int { return len(c.Capabilities().Budgets) }
	f, c := newFakeChat(t)
	if can := c.Capabilities(); can.TextLimit != 5000 || can.TextUnit != "utf16" || !can.Edit || !can.Delete || !can.React || can.Identity != event.Alias || can.Idempotence != event.Native || len(can.Budgets) != 1 {
		t.Errorf("%+v", can)
	}
	f.before = func(w http.ResponseWriter, call fakeCall) bool {
		answer(400, `{"success":false}`)(w, call.r)
		return true
	}
	_, _ = c.client.Me(t.Context())
	if budgets(c) != 1 {
		t.Error("a refusal tells that there are no limits")
	}
	f.before = nil
	_, err := c.client.Me(t.Context())
	must(t, err)
	if budgets(c) != 0 {
		t.Error("an answer without a word of limits does not tell that there are none")
	}
	told := serve(t, limited(200, `{"success":true,"_id":"u","roles":["bot"]}`, map[string]string{"X-RateLimit-Limit": "10"}))
	_, err = told.me(t.Context())
	must(t, err)
	if budgets(told) != 1 {
		t.Error("limits that were told are not there")
	}
	_, other := newFakeChat(t)
	other.known.self.put("", User{Roles: []string{"bot"}}, time.Now().Add(time.Minute))
	if budgets(other) != 0 {
		t.Error("a bot has limits")
	}
}

func TestCharges(t *testing.T) {
	_, c := newFakeChat(t)
	c.roots.put("known0000000001", fakeRoom, time.Now().Add(time.Minute))
	edit, react := changeOf(event.Edit, "m"), changeOf(event.React, "m")
	edit.Text, react.Emoji = "x", "x"
	tests := []struct {
		name string
		a    event.Action
		want map[string]int
	}{
		{"post", postOf("x"), map[string]int{"chat.sendMessage": 1}},
		{"long post", postOf(string(make([]rune, maxText)) + "0" + "x"), map[string]int{"chat.sendMessage": 1}},
		{"parts", postOf(longText(12_000)), map[string]int{"chat.sendMessage": 3}},
		{"reply", replyTo("unknown00000001", "x"), map[string]int{"chat.sendMessage": 1, "chat.getMessage": 1}},
		{"reply to a known root", replyTo("known0000000001", "x"), map[string]int{"chat.sendMessage": 1}},
		{"files", withFiles(postOf(""), event.MediaRef{URL: "https://h/a"}, event.MediaRef{URL: "https://h/b"}), map[string]int{"rooms.media": 2, "rooms.mediaConfirm": 2}},
		{"edit", edit, map[string]int{"chat.update": 1}},
		{"delete", changeOf(event.Delete, "m"), map[string]int{"chat.delete": 1}},
		{"react", react, map[string]int{"chat.react": 1}},
	}
	for _, tt := range tests {
		got := map[string]int{}
		for _, ch := range c.Charges(tt.a) {
			if ch.Scope != "route" {
				t.Errorf("%s: %+v", tt.name, ch)
			}
			got[ch.Key] += ch.Calls
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		for route, n := range tt.want {
			if got[route] != n {
				t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
			}
		}
	}
}

func longText(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	return string(b)
}
