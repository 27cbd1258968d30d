package rocketchat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/relaytest"
	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// TestConformance runs the suite on the simulated server of each version.
func TestConformance(t *testing.T) {
	for _, version := range []int{7, 8, 9} {
		t.Run(fmt.Sprint("version ", version), func(t *testing.T) { relaytest.Run(t, suitePlatform(t, version)) })
	}
}

func suitePlatform(t *testing.T, version int) relaytest.Platform {
	t.Helper()
	var lastURL string
	return relaytest.Platform{
		Name: platform, Connection: "rc",
		Promises: []relaytest.Interface{
			relaytest.Receiver, relaytest.Decoder, relaytest.Redactor, relaytest.Sender, relaytest.Finder, relaytest.Members,
			relaytest.Poller, relaytest.ThreadPoller, relaytest.Completer, relaytest.Rememberer, relaytest.Reader,
			relaytest.Prober, relaytest.Capable,
		},
		Secrets:  []relaytest.Secret{{Name: "auth token", Value: testToken, Known: true}, {Name: "webhook token", Value: testHook}},
		NewStage: newStage(version),
		Connect: func(t testing.TB, at relaytest.Address) any {
			lastURL = at.URL
			return connectStage(t, at)
		},
		Tells: relaytest.Tells{
			Hooks: []event.Type{event.MessageCreated, event.MessageEdited},
			Polls: []event.Type{event.MessageCreated, event.MessageEdited, event.MessageDeleted, event.ReactionAdded, event.ReactionRemoved},

			Timeless: []event.Type{event.MessageEdited},
		},
		Hook:     relaytest.Hook{Sign: signed, Forged: forged, Unknown: unknownBodies()},
		Golden:   goldenCalls(t, &lastURL),
		Verdicts: relaytest.Verdicts{Refuse: refusedWith, Codes: documentedCodes(), Want: wantVerdict},
		Broken:   brokenSetups(),
	}
}

func connectStage(t testing.TB, at relaytest.Address) any {
	return newConnection(t, func(c *Config) {
		c.URL = at.URL
		c.Rooms = []string{stageCrew, "@ana"}
		if at.ClosedHook {
			c.WebhookToken = ""
		}
	})
}

// withToken has a call carry a token, where calls carry one; nil means none.
func withToken(body []byte, token any) relaytest.Call {
	var keys map[string]json.RawMessage
	if json.Unmarshal(body, &keys) != nil {
		return relaytest.Call{Header: http.Header{}, Body: body}
	}
	if token == testHook && string(keys["token"]) == jsonText(testHook) {
		return relaytest.Call{Header: http.Header{}, Body: body} // just as it was recorded
	}
	delete(keys, "token")
	if token != nil {
		keys["token"] = json.RawMessage(jsonText(token))
	}
	return relaytest.Call{Header: http.Header{}, Body: []byte(jsonText(keys))}
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}

func signed(body []byte) relaytest.Call { return withToken(body, testHook) }

func forged(body []byte) map[string]relaytest.Call {
	calls := map[string]relaytest.Call{}
	for why, token := range map[string]any{
		"none": nil, "empty": "", "cut": testHook[1:], "longer": testHook + "x", "number": 7, "list": []string{testHook},
		"object": map[string]string{"token": testHook}, "upper case": strings.ToUpper(testHook), "the auth token": testToken,
	} {
		calls[why] = withToken(body, token)
	}
	inHeader := withToken(body, nil)
	inHeader.Header = http.Header{"Authorization": {"Bearer " + testHook}, "X-Auth-Token": {testHook}}
	calls["in a header"] = inHeader
	return calls
}

// unknownBodies are objects, because nothing else can carry a token.
func unknownBodies() []string {
	return []string{
		`{"data":{}}`, `{"message_id":7}`, `{"message_id":"x"}`, `{"channel_id":"GENERAL","text":"` + relaytest.SecretPlace + `"}`,
		`{"channel_id":"GENERAL","message_id":"x","timestamp":"2026-01-02T03:04:05.678Z","user_id":"u","user_name":"u","text":["` + relaytest.SecretPlace + `"]}`,
		`{"message":["` + relaytest.SecretPlace + `"],"room":{},"user":{}}`,
	}
}

// goldenCalls are the bodies of webhooks in testdata, and what TestReceive has found them to be. Addresses in events begin with
// the URL of the connection.
func goldenCalls(t *testing.T, url *string) relaytest.Golden {
	t.Helper()
	g := relaytest.Golden{Payloads: map[string][]byte{}}
	for name, body := range hookCalls(t) {
		g.Payloads[name] = body
	}
	raw, err := os.ReadFile(filepath.Join("testdata", "hooks.golden.json"))
	must(t, err)
	var events map[string]json.RawMessage
	must(t, json.Unmarshal(raw, &events))
	g.Want = func(name string) ([]byte, error) {
		var out bytes.Buffer
		err := json.Indent(&out, events[name], "", "  ")
		want := bytes.ReplaceAll(bytes.TrimSpace(out.Bytes()), []byte(testConfig().URL), []byte(*url))
		return append(want, '\n'), err
	}
	return g
}

// refusedWith is the error answer of the server's source (app/api/server/ApiClass.ts).
func refusedWith(_ int, code, message string) (string, []byte) {
	answer := map[string]any{"success": false, "error": message}
	if code != "" {
		answer["error"], answer["errorType"] = message+" ["+code+"]", code
	}
	return "application/json", []byte(jsonText(answer))
}

func documentedCodes() []string {
	return []string{
		"error-too-many-requests", "error-not-allowed", "not-allowed", "error-forbidden", "error-unauthorized", "not-authorized", "error-action-not-allowed",
		"error-message-editing-blocked", "error-invalid-user", "totp-required", "invalid-channel", "invalid-params", "error-invalid-params",
		"error-message-size-exceeded", "error-invalid-message", "error-message-not-found", "error-invalid-room", "error-room-not-found",
	}
}

// wantVerdict is the rule: rate limits, denials and server faults by status; then what codes say of rights, and of a root.
func wantVerdict(r relaytest.Refusal) relay.Kind {
	denied := strings.Contains(r.Code, "not-allowed") || strings.Contains(r.Code, "not-authorized") || strings.Contains(r.Code, "blocked") ||
		strings.HasSuffix(r.Code, "forbidden") || r.Code == "error-unauthorized" || r.Code == "error-invalid-user" || r.Code == "totp-required"
	noMessage := r.Code == "error-invalid-message" || r.Code == "error-message-not-found"
	switch {
	case r.Status == http.StatusTooManyRequests, r.Code == "error-too-many-requests":
		return relay.RateLimited
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		return relay.Denied
	case r.Status >= 500, r.Status == http.StatusRequestTimeout, r.Status == http.StatusTooEarly:
		return relay.Temporary
	case denied:
		return relay.Denied
	case noMessage && r.Call == "reply" && r.Status == http.StatusBadRequest:
		return relay.RootGone
	}
	return relay.Rejected
}

// setup is one thing that is wrong.
func setup(name string, change func(t testing.TB, s *stage, c *Config)) relaytest.Broken {
	return relaytest.Broken{Name: name, Connect: func(t testing.TB, s relaytest.Stage, at relaytest.Address) any {
		return newConnection(t, func(c *Config) {
			c.URL = at.URL
			on, ok := s.(*stage)
			if !ok {
				t.Fatal("another stage")
			}
			change(t, on, c)
		})
	}}
}

func brokenSetups() []relaytest.Broken {
	return []relaytest.Broken{
		setup("wrong token", func(_ testing.TB, _ *stage, c *Config) { c.AuthToken = strings.Repeat("9", 43) }),
		setup("another user's token", func(_ testing.TB, _ *stage, c *Config) { c.UserID = stageAna }),
		setup("no such user", func(_ testing.TB, _ *stage, c *Config) { c.UserID = "nobodyUserId00001" }),
		setup("no role bot", func(t testing.TB, s *stage, _ *Config) { must(t, s.chat.SetRoles("helper", "user")) }),
		setup("no role user", func(t testing.TB, s *stage, _ *Config) { must(t, s.chat.SetRoles("helper", "bot")) }),
		setup("no threads", func(_ testing.TB, s *stage, _ *Config) {
			s.chat.Set(func(st *rocketsim.Settings) { st.NoThreads = true })
		}),
		setup("bot not in the room", func(t testing.TB, s *stage, c *Config) {
			must(t, s.chat.Leave("helper", stageCrew))
			c.Rooms = []string{"#crew"}
		}),
		setup("bot not in the public room", func(_ testing.TB, _ *stage, c *Config) { c.Rooms = []string{"#general"} }),
		setup("no such room", func(_ testing.TB, _ *stage, c *Config) { c.Rooms = []string{"#nowhere"} }),
		setup("wrong path", func(_ testing.TB, _ *stage, c *Config) { c.URL += "/elsewhere" }),
		setup("nobody there", func(t testing.TB, _ *stage, c *Config) { c.URL = "http://" + freePort(t) }),
		setup("a web site", func(t testing.TB, _ *stage, c *Config) {
			c.URL = inPlace(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Welcome</html>") })
		}),
		setup("clock behind", skewed(-time.Hour)),
		setup("clock ahead", skewed(2*time.Hour)),
	}
}

// skewed has the platform's clock run ahead of ours.
func skewed(by time.Duration) func(t testing.TB, s *stage, c *Config) {
	return func(t testing.TB, s *stage, c *Config) {
		t.Helper()
		c.URL = inPlace(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
			s.Handler().ServeHTTP(w, r)
		})
	}
}

func inPlace(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// freePort returns an address at which nobody listens.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}
