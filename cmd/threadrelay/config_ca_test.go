package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// ownAuthority starts a server whose authority no machine knows, and returns it, what it was told of who calls, and the text of
// its PEM file.
func ownAuthority(t *testing.T) (address string, agents *[]string, authority string) {
	t.Helper()
	agents = new([]string)
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*agents = append(*agents, r.UserAgent())
		_, _ = w.Write([]byte(`{"data":{"id":"7"}}`))
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/v3", agents, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}))
}

// TestCallsOfConfiguredConnections has connections call a server with an authority of its own, and say who calls.
func TestCallsOfConfiguredConnections(t *testing.T) {
	address, agents, authority := ownAuthority(t)
	routing := filepath.Join(t.TempDir(), "routing.yaml")
	if err := os.WriteFile(filepath.Join(filepath.Dir(routing), "own.pem"), []byte(authority), 0o600); err != nil {
		t.Fatal(err)
	}
	text := "connections: {b: {platform: cometchat, app_id: y, api_key: k, bot_uid: b, ca: own.pem, base_url: '" + address + "'}}"
	if err := os.WriteFile(routing, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, _, err := loadConfig(comet("COMETCHAT_BASE_URL="+address, "COMETCHAT_BOT_UID=b", "COMETCHAT_CA="+writeValue(t, authority), "THREADRELAY_CONFIG="+routing))
	if err != nil {
		t.Fatal(err)
	}
	all, err := newPlatforms(cfg)
	if err != nil || len(all) != 2 {
		t.Fatalf("%d connections, %v", len(all), err)
	}
	for id, c := range offering[relay.Sender](all) {
		a := event.Action{
			ID: "act-1", Type: event.Post, Bot: "echo", Cause: "e", Text: "hello", Thread: event.ThreadRef{Connection: id, Conversation: "user/ana"},
		}
		if r, err := c.Send(t.Context(), a); err != nil || r.Message != "7" {
			t.Errorf("%s: %+v, %v", id, r, err)
		}
	}
	ver, _ := buildVersion()
	if want := "threadrelay/" + ver; len(*agents) != 2 || (*agents)[0] != want || (*agents)[1] != want {
		t.Errorf("the callers are %q, want twice %q", *agents, want)
	}
}

func TestAuthoritiesFaults(t *testing.T) {
	_, _, authority := ownAuthority(t)
	good, other := writeValue(t, authority), writeValue(t, "hush")
	absent := filepath.Join(t.TempDir(), "absent.pem")
	for _, tt := range []struct{ path, want, file string }{
		{good, "", ""},
		{absent, "COMETCHAT_CA: cannot read", "cannot read"},
		{t.TempDir(), "COMETCHAT_CA: cannot read", "cannot read"},
		{other, "COMETCHAT_CA: \"" + other + "\" holds no certificate in PEM", "holds no certificate in PEM"},
		{strings.ReplaceAll(authority, "\n", "\\n"), "COMETCHAT_CA: holds the contents of a file", "holds the contents of a file"},
	} {
		_, _, err := loadConfig(comet("COMETCHAT_CA=" + tt.path))
		onlyFault(t, err, tt.want)
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("a fault shows what a file holds: %v", err)
		}
		_, _, err = loadRouting(t, whole+", ca: '"+tt.path+"'}}")
		if tt.file == "" && err != nil || tt.file != "" && (err == nil || !strings.Contains(err.Error(), "connections.a.ca: ") || !strings.Contains(err.Error(), tt.file)) {
			t.Errorf("want %q, got %v", tt.file, err)
		}
	}
}
