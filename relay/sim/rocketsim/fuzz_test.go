package rocketsim_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// whatever asks a server without a listener, and wants an answer of JSON with one of the documented statuses.
func whatever(t *testing.T, s *rocketsim.Server, r *http.Request) {
	t.Helper()
	r.Header.Set("X-User-Id", "id-bot")
	r.Header.Set("X-Auth-Token", "token-bot")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if !slices.Contains([]int{200, 400, 403, 404}, w.Code) || !json.Valid(w.Body.Bytes()) {
		t.Errorf("%s %s: %d %q", r.Method, r.URL, w.Code, w.Body)
	}
}

func fuzzed(f *testing.F, version int) *rocketsim.Server {
	f.Helper()
	s, err := rocketsim.New(rocketsim.Config{Version: version, PlainTexts: true})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	_, err = s.AddUser(rocketsim.User{ID: "id-bot", Username: "bot", Roles: []string{"user", "bot"}, Token: "token-bot"})
	if err != nil {
		f.Fatal(err)
	}
	if _, err := s.Say(rocketsim.Say{From: "bot", Room: "GENERAL", Text: "root", ID: "root"}); err != nil {
		f.Fatal(err)
	}
	return s
}

func FuzzBodies(f *testing.F) {
	routes := []string{
		"chat.sendMessage", "chat.postMessage", "chat.update", "chat.delete", "chat.react", "chat.followMessage", "rooms.mediaConfirm/GENERAL/x",
		"integrations.create",
	}
	for i := range routes {
		f.Add(uint8(i), `{"message":{"rid":"GENERAL","msg":"x","tmid":"root","attachments":[{"fields":[{"title":"a","value":0}]}],"ts":1,"bot":{}}}`)
		f.Add(uint8(i), `{"roomId":["GENERAL",null],"msgId":"root","messageId":"root","text":"y","emoji":"tea","mid":"root","shouldReact":true}`)
		f.Add(uint8(i), `{"type":"webhook-outgoing","channel":"#,@,","retryCount":1e400}`)
		f.Add(uint8(i), "[1]")
	}
	servers := []*rocketsim.Server{fuzzed(f, 7), fuzzed(f, 9)}
	f.Fuzz(func(t *testing.T, route uint8, body string) {
		for _, s := range servers {
			r := httptest.NewRequest(http.MethodPost, "/api/v1/"+routes[int(route)%len(routes)], strings.NewReader(body))
			r.Header.Set("Content-Type", "application/json")
			whatever(t, s, r)
		}
	})
}

func FuzzQueries(f *testing.F) {
	routes := []string{
		"chat.getThreadMessages", "chat.syncMessages", "chat.syncThreadMessages", "chat.getThreadsList", "channels.history", "channels.messages",
		"channels.members", "rooms.get", "im.history", "chat.getDeletedMessages",
	}
	for i := range routes {
		f.Add(uint8(i), `tmid=root&count=1e3&offset=-1&sort={"ts":1}&aroundId=root`)
		f.Add(uint8(i), "roomId=GENERAL&type=UPDATED&next=-9223372036854775808&count=9e99")
		f.Add(uint8(i), "roomId=GENERAL&latest=2026&oldest=soon&status[]=x&filter=(&since=2026-01-02T03:04:05Z&rid=GENERAL")
	}
	servers := []*rocketsim.Server{fuzzed(f, 7), fuzzed(f, 9)}
	f.Fuzz(func(t *testing.T, route uint8, query string) {
		for _, s := range servers {
			r := httptest.NewRequest(http.MethodGet, "/api/v1/"+routes[int(route)%len(routes)], nil)
			r.URL.RawQuery = url.PathEscape(query)
			if q, err := url.ParseQuery(query); err == nil {
				r.URL.RawQuery = q.Encode()
			}
			whatever(t, s, r)
		}
	})
}
