package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecretsStayOutOfPrint(t *testing.T) {
	file := "connections: {second: {platform: cometchat, app_id: b, region: eu, api_key: \"${K}\", webhook: {username: u, password: hush8}}}\n"
	cfg, _, err := loadRouting(t, file, comet(
		"THREADRELAY_ADMIN_TOKEN=hush1", "NATS_URL=nats://user:hush2@a:4222,nats://hush3@b", "NATS_USER=u", "NATS_PASSWORD=hush4",
		"COMETCHAT_API_KEY=hush5", "COMETCHAT_WEBHOOK_USERNAME=u", "COMETCHAT_WEBHOOK_PASSWORD=hush6",
		"K=hush7",
	)...)
	if err != nil {
		t.Fatalf("loadConfig: %v", err)
	}
	var logged bytes.Buffer
	slog.New(slog.NewTextHandler(&logged, nil)).Info("x", "all", cfg, "token", cfg.Relay.AdminToken, "nats", cfg.NATS.URL)
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("x", "all", cfg, "token", cfg.Relay.AdminToken, "nats", cfg.NATS.URL)
	encoded, err := json.Marshal(cfg)
	if err != nil {
		t.Fatalf("json.Marshal: %v", err)
	}
	prints := map[string]string{
		"%v": fmt.Sprintf("%v", cfg), "%+v": fmt.Sprintf("%+v", cfg), "%#v": fmt.Sprintf("%#v", cfg),
		"%q": fmt.Sprintf("%q", cfg.Relay.AdminToken), "%x": fmt.Sprintf("%x", cfg.Relay.AdminToken),
		"slog": logged.String(), "json": string(encoded),
	}
	if len(cfg.Routing.Connections) != 1 || !strings.Contains(prints["%+v"], `AppID:"b"`) {
		t.Errorf("the connection of the file is not among what is printed: %s", prints["%+v"])
	}
	for form, text := range prints {
		if strings.Contains(text, "hush") || strings.Contains(text, "68757368") {
			t.Errorf("%s shows a secret: %s", form, text)
		}
	}
	if !strings.Contains(prints["slog"], removed) || !strings.Contains(prints["slog"], "nats://a:4222,nats://b") {
		t.Errorf("the log does not show that a value was removed, or not the NATS hosts: %s", prints["slog"])
	}
}

func TestReveal(t *testing.T) {
	var s secret
	if err := s.UnmarshalText([]byte("hush")); err != nil || s.Reveal() != "hush" || s.String() != removed {
		t.Errorf("secret: %v, Reveal %q, String %q", err, s.Reveal(), s.String())
	}
	if empty := secret(""); empty.String() != "" || empty.GoString() != `""` {
		t.Errorf("an empty secret prints as %q and %s", empty.String(), empty.GoString())
	}
	var u natsURL
	if err := u.UnmarshalText([]byte("nats://hush@h")); err != nil || u.Reveal() != "nats://hush@h" {
		t.Errorf("natsURL: %v, Reveal %q", err, u.Reveal())
	}
}

func TestNATSURLString(t *testing.T) {
	tests := map[natsURL]string{
		"":                                  "",
		"nats://h:4222":                     "nats://h:4222",
		"tls://u:p@h, tls://[::1]:4222":     "tls://h,tls://[::1]:4222",
		"nats://hush/hush@h":                removed,
		"u:p@h:4222, p@i,j":                 "h:4222,i,j",
		"hush/hush@h":                       removed,
		"u:hush/hush@h":                     removed,
		"nats://good:4222,nats://u:hu sh@h": removed,
	}
	for in, want := range tests {
		if got := in.String(); got != want {
			t.Errorf("String of %q = %q, want %q", in.Reveal(), got, want)
		}
	}
}
