package cometchat

import (
	goflag "flag"
	"fmt"
	"io/fs"
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
)

var update = goflag.Bool("update", false, "write the golden files anew")

// conformanceDir is where the events of the golden payloads are.
const conformanceDir = "testdata/conformance"

func TestConformance(t *testing.T) {
	relaytest.Run(t, relaytest.Platform{
		Name: platform, Connection: "cc",
		Promises: []relaytest.Interface{
			relaytest.Receiver, relaytest.Decoder, relaytest.Redactor, relaytest.Sender, relaytest.Finder, relaytest.Members,
			relaytest.Poller, relaytest.ThreadPoller, relaytest.Completer, relaytest.Rememberer, relaytest.Reader,
			relaytest.Prober, relaytest.Capable,
		},
		Secrets:  []relaytest.Secret{{Name: "API key", Value: testKey, Known: true}, {Name: "webhook password", Value: testPassword}},
		NewStage: newStage,
		Connect:  connectStage,
		Tells: relaytest.Tells{
			Hooks: []event.Type{event.MessageCreated, event.MessageEdited, event.MessageDeleted, event.ReactionAdded, event.ReactionRemoved},
			Polls: []event.Type{event.MessageCreated, event.MessageEdited, event.MessageDeleted},
		},
		Hook:     relaytest.Hook{Sign: signed, Forged: forged, Unknown: unknownBodies()},
		Golden:   goldenCalls(t),
		Verdicts: relaytest.Verdicts{Refuse: refuse, Codes: documentedCodes(), Want: wantVerdict},
		Broken:   brokenSetups(),
	})
}

func connectStage(t testing.TB, at relaytest.Address) any {
	return newConnection(t, func(c *Config) {
		c.BaseURL = at.URL + "/v3"
		c.Sources = []string{"app", "group/crew", "user/ana"}
		if at.ClosedHook {
			c.WebhookUsername, c.WebhookPassword = "", ""
		}
	})
}

func signed(body []byte) relaytest.Call { return relaytest.Call{Header: goodAuth(), Body: body} }

func forged(body []byte) map[string]relaytest.Call {
	calls := map[string]relaytest.Call{}
	for why, header := range map[string]http.Header{
		"none": {}, "nil header": nil, "empty": basicAuth("", ""), "wrong password": basicAuth("hook", "x"), "wrong user": basicAuth("x", testPassword),
		"swapped": basicAuth(testPassword, "hook"), "cut": basicAuth("hook", testPassword[1:]), "longer": basicAuth("hook", testPassword+"x"),
		"bearer": {"Authorization": {"Bearer " + testPassword}}, "no base64": {"Authorization": {"Basic !!!"}}, "the API key": {"Apikey": {testKey}},
	} {
		calls[why] = relaytest.Call{Header: header, Body: body}
	}
	return calls
}

func unknownBodies() []string {
	return []string{
		`[1]`, `"x"`, `null`, `1e999`, `{}`, `{"data":{}}`, `{"trigger":7}`, `{"trigger":"message_sent"}`,
		`{"trigger":"message_sent","data":{"message":{"category":"message","id":"` + relaytest.SecretPlace + `"}}}`,
		`{"trigger":"message_sent","appId":"app1","apiKey":"` + relaytest.SecretPlace + `","data":["` + relaytest.SecretPlace + `"]}`,
		`{"trigger":"message_sent","appId":"another","data":{"message":{"id":1}}}`,
	}
}

// goldenCalls are the bodies of webhooks in testdata; what begins with "rest." is none.
func goldenCalls(t *testing.T) relaytest.Golden {
	t.Helper()
	g := relaytest.Golden{Payloads: map[string][]byte{}}
	files, err := fs.Glob(os.DirFS("testdata"), "*.json")
	must(t, err)
	for _, name := range files {
		if !strings.HasPrefix(name, "rest.") {
			g.Payloads[name] = golden(t, name)
		}
	}
	g.Want = func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(conformanceDir, name)) }
	if *update {
		must(t, os.MkdirAll(conformanceDir, 0o755))
		g.Write = func(name string, events []byte) error {
			return os.WriteFile(filepath.Join(conformanceDir, name), events, 0o644)
		}
	}
	return g
}

// refuse is the error answer of the document "articles/error-guide".
func refuse(_ int, code, message string) (string, []byte) {
	return "application/json", []byte(jsonText(map[string]any{
		"error": map[string]any{
			"message": message, "devMessage": message, "source": "client-api", "code": code,
			"details": map[string][]string{"field": {message}},
		},
	}))
}

func documentedCodes() []string {
	var all []string
	for code := range codes() {
		all = append(all, code)
	}
	return all
}

// wantVerdict is the rule: server faults, then rate limits, the thread's root, denials, and then what the status says.
func wantVerdict(r relaytest.Refusal) relay.Kind {
	byCode, known := codes()[r.Code]
	noMessage := r.Code == "ERR_MESSAGE_ID_NOT_FOUND" || r.Code == "ERR_MSG_NOT_FOUND"
	switch {
	case byCode == relay.Temporary && known:
		return relay.Temporary
	case r.Status == http.StatusTooManyRequests || byCode == relay.RateLimited:
		return relay.RateLimited
	case noMessage && r.Call == "reply":
		return relay.RootGone
	case byCode == relay.Denied && known:
		return relay.Denied
	case r.Status >= 500, r.Status == http.StatusRequestTimeout, r.Status == http.StatusTooEarly:
		return relay.Temporary
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		return relay.Denied
	}
	return relay.Rejected
}

// setup is one thing that is wrong.
func setup(name string, change func(t testing.TB, s *stage, c *Config)) relaytest.Broken {
	return relaytest.Broken{Name: name, Connect: func(t testing.TB, s relaytest.Stage, at relaytest.Address) any {
		return newConnection(t, func(c *Config) {
			c.BaseURL = at.URL + "/v3"
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
		setup("wrong key", func(_ testing.TB, _ *stage, c *Config) { c.APIKey = strings.Repeat("9", 40) }),
		setup("auth key", func(_ testing.TB, _ *stage, c *Config) { c.APIKey = testKey[1:] }),
		setup("no such bot", func(_ testing.TB, _ *stage, c *Config) { c.BotUID = "nobody" }),
		setup("wrong path", func(_ testing.TB, _ *stage, c *Config) { c.BaseURL += "/elsewhere" }),
		setup("bot not in the group", func(t testing.TB, s *stage, c *Config) {
			t.Helper()
			if err := s.sim.Leave("helper", "crew"); err != nil {
				t.Fatal(err)
			}
			c.Sources = []string{"group/crew"}
		}),
		setup("no such group", func(_ testing.TB, _ *stage, c *Config) { c.Sources = []string{"group/nowhere"} }),
		setup("no such user", func(_ testing.TB, _ *stage, c *Config) { c.Sources = []string{"user/nobody"} }),
		setup("no such thread", func(_ testing.TB, _ *stage, c *Config) { c.Sources = []string{"thread/999999"} }),
		setup("no source", func(_ testing.TB, _ *stage, c *Config) { c.Sources = []string{"moon/1"} }),
		setup("nobody there", func(t testing.TB, _ *stage, c *Config) {
			t.Helper()
			c.BaseURL = "http://" + freePort(t) + "/v3"
		}),
		setup("a web site", func(t testing.TB, _ *stage, c *Config) {
			t.Helper()
			c.BaseURL = before(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>Welcome</html>") })
		}),
		setup("no such app", func(t testing.TB, _ *stage, c *Config) {
			t.Helper()
			c.BaseURL = before(t, answer(404, `{"error":{"code":"AUTH_ERR_INVALID_APPID","message":"no app"}}`))
		}),
		setup("plan used up", func(t testing.TB, _ *stage, c *Config) {
			t.Helper()
			c.BaseURL = before(t, answer(403, `{"error":{"code":"ERR_SUBSCRIPTION_EXPIRED","message":"pay"}}`))
		}),
		setup("clock behind", skewed(-time.Hour)),
		setup("clock ahead", skewed(2*time.Hour)),
	}
}

// skewed has the platform's clock run ahead of ours.
func skewed(by time.Duration) func(t testing.TB, s *stage, c *Config) {
	return func(t testing.TB, s *stage, c *Config) {
		t.Helper()
		c.BaseURL = before(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
			s.Handler().ServeHTTP(w, r)
		})
	}
}

func before(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL + "/v3"
}

// freePort returns an address at which nobody listens.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
