package rocketchat

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The secrets of the tests. Nothing that comes out of the package may hold one of them.
const (
	testToken = "pat-0f1e2d3c4b5a69788796a5b4c3d2e1f00112233"
	testHook  = "6bzK4uJwUD2J7wpQm5R4eQh3"
	testUser  = "botUserId00000001"
)

func testConfig() Config {
	return Config{ID: "rc", URL: "https://chat.example.org", UserID: testUser, AuthToken: testToken, WebhookToken: testHook}
}

func newConnection(t testing.TB, change func(*Config)) *Connection {
	t.Helper()
	cfg := testConfig()
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.client.ways.stream.CloseIdleConnections)
	return c
}

// serve starts a server and returns a connection to it.
func serve(t *testing.T, h http.HandlerFunc) *Connection {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return newConnection(t, func(cfg *Config) { cfg.URL = srv.URL + "/" })
}

// answer returns a handler that always says the same.
func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}
