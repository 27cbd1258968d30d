package main

import (
	"strings"
	"testing"
)

func TestNATSFaults(t *testing.T) {
	const address = "NATS_URL=nats://n:4222"
	tests := []struct {
		name    string
		environ []string
		want    string
	}{
		{"cluster", []string{"NATS_URL=nats://a:4222,tls://b , nats://c", "NATS_REPLICAS=3"}, ""},
		{"web sockets", []string{"NATS_URL=ws://a:80,wss://b"}, ""},
		{"slash at the end", []string{"NATS_URL=nats://a:4222/"}, ""},
		{"escaped password", []string{"NATS_URL=nats://u:hush%2Fhush@a"}, ""},
		{"mixed", []string{"NATS_URL=ws://a,nats://b"}, "NATS_URL: web socket addresses are mixed with others"},
		{"other scheme", []string{"NATS_URL=nats://a,http://b"}, "NATS_URL: address 2 of 2 has none of the known schemes"},
		{"no scheme", []string{"NATS_URL=nats.example.org:4222"}, ""},
		{"no scheme, no port", []string{"NATS_URL=localhost"}, ""},
		{"no scheme, IPv6", []string{"NATS_URL=[::1]:4222"}, ""},
		{"no scheme, credentials", []string{"NATS_URL=u:hush@a:4222"}, ""},
		{"cluster without schemes", []string{"NATS_URL=a:4222, b, tls://c"}, ""},
		{"web socket, no scheme", []string{"NATS_URL=ws://a:80,b:80"}, ""},
		{"no scheme, web socket", []string{"NATS_URL=b:80,ws://a:80"}, "NATS_URL: web socket addresses are mixed with others"},
		{"no scheme, bad port", []string{"NATS_URL=a:99999"}, "NATS_URL: address 1 of 1 has a port out of range"},
		{"no scheme, no port after all", []string{"NATS_URL=a:hush"}, "NATS_URL: address 1 of 1 is not a valid URL"},
		{"no scheme, slash in a password", []string{"NATS_URL=u:hush/hush@a"}, "NATS_URL: address 1 of 1 is not a valid URL"},
		{"no scheme, no host", []string{"NATS_URL=:4222"}, "NATS_URL: address 1 of 1 has no host"},
		{"empty item", []string{"NATS_URL=nats://a,,nats://b"}, "NATS_URL: address 2 of 3 is empty"},
		{"comma at the end", []string{"NATS_URL=a:4222,"}, "NATS_URL: address 2 of 2 is empty"},
		{"no host", []string{"NATS_URL=nats://:4222"}, "NATS_URL: address 1 of 1 has no host"},
		{"bad port", []string{"NATS_URL=nats://u:hush@a:99999"}, "NATS_URL: address 1 of 1 has a port out of range"},
		{"slash in a password", []string{"NATS_URL=nats://u:hush/hush@a"}, "NATS_URL: address 1 of 1 is not a valid URL"},
		{"slash in a token", []string{"NATS_URL=nats://hush/hush@a"}, "NATS_URL: address 1 of 1 has more after its host"},
		{"hash in a token", []string{"NATS_URL=nats://hush#hush@a"}, "NATS_URL: address 1 of 1 has more after its host"},
		{"space in a password", []string{"NATS_URL=nats://u:hush hush@a"}, "NATS_URL: address 1 of 1 is not a valid URL"},
		{"user alone", []string{address, "NATS_USER=u"}, "NATS_PASSWORD: is missing although NATS_USER is set"},
		{"password alone", []string{address, "NATS_PASSWORD=hush"}, "NATS_USER: is missing although NATS_PASSWORD is set"},
		{"certificate alone", []string{address, "NATS_CERT=c"}, "NATS_KEY: is missing although NATS_CERT is set"},
		{"key alone", []string{address, "NATS_KEY=k"}, "NATS_CERT: is missing although NATS_KEY is set"},
		{"contents for a path", []string{address, "NATS_CREDS=-----BEGIN NATS USER JWT-----\nhush\n"}, "NATS_CREDS: holds the contents of a file"},
		{"lines for a path", []string{address, "NATS_CA=hush\nhush"}, "NATS_CA: holds the contents of a file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadConfig(tt.environ)
			onlyFault(t, err, tt.want)
			if err != nil && strings.Contains(err.Error(), "hush") {
				t.Errorf("fault shows a secret: %v", err)
			}
		})
	}
}

func TestCometChatFaults(t *testing.T) {
	base := "COMETCHAT_BASE_URL=http://127.0.0.1:9999/v3"
	tests := []struct {
		name    string
		environ []string
		want    string
	}{
		{"complete", comet(), ""},
		{"complete with webhook", comet("COMETCHAT_WEBHOOK_USERNAME=u", "COMETCHAT_WEBHOOK_PASSWORD=p"), ""},
		{"address for region", []string{"COMETCHAT_APP_ID=a", "COMETCHAT_API_KEY=k", base}, ""},
		{"region and address", comet(base), ""},
		{"no app id", []string{"COMETCHAT_REGION=eu", "COMETCHAT_API_KEY=hush"}, "COMETCHAT_APP_ID: is required"},
		{"no API key", []string{"COMETCHAT_REGION=eu", "COMETCHAT_APP_ID=a"}, "COMETCHAT_API_KEY: is required"},
		{"no region", []string{"COMETCHAT_API_KEY=hush", "COMETCHAT_APP_ID=a"}, "COMETCHAT_REGION: is required"},
		{"unknown region", []string{"COMETCHAT_API_KEY=hush", "COMETCHAT_APP_ID=a", "COMETCHAT_REGION=moon"}, `COMETCHAT_REGION: "moon" is not known`},
		{"app id of another host", comet("COMETCHAT_APP_ID=evil.example/"), `COMETCHAT_APP_ID: "evil.example/" cannot`},
		{"address without scheme", comet("COMETCHAT_BASE_URL=127.0.0.1:9999"), "COMETCHAT_BASE_URL: is not a valid URL"},
		{"address of a file", comet("COMETCHAT_BASE_URL=file:///x"), "COMETCHAT_BASE_URL: has neither"},
		{"address without host", comet("COMETCHAT_BASE_URL=http:///v3"), "COMETCHAT_BASE_URL: has no host"},
		{"address with a bad port", comet("COMETCHAT_BASE_URL=http://x:0/v3"), "COMETCHAT_BASE_URL: has a port out of range"},
		{"address with credentials", comet("COMETCHAT_BASE_URL=https://u:hush@x/v3"), "COMETCHAT_BASE_URL: carries credentials"},
		{"address with a query", comet("COMETCHAT_BASE_URL=https://x/v3?key=hush"), "COMETCHAT_BASE_URL: has a query"},
		{"user name alone", comet("COMETCHAT_WEBHOOK_USERNAME=u"), "COMETCHAT_WEBHOOK_PASSWORD: is missing"},
		{"password alone", comet("COMETCHAT_WEBHOOK_PASSWORD=hush"), "COMETCHAT_WEBHOOK_USERNAME: is missing"},
		{"bot without uid", comet("THREADRELAY_BOTS=echo"), "COMETCHAT_BOT_UID: is required because THREADRELAY_BOTS names bots"},
		{"bot with uid", comet("THREADRELAY_BOTS=echo", "COMETCHAT_BOT_UID=b"), ""},
		{"bot without connection", []string{"THREADRELAY_BOTS=echo"}, ""},
		{"uid alone is no connection", []string{"COMETCHAT_BOT_UID=b"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadConfig(tt.environ)
			onlyFault(t, err, tt.want)
			if err != nil && strings.Contains(err.Error(), "hush") {
				t.Errorf("fault shows a secret: %v", err)
			}
		})
	}
}

func TestEnabled(t *testing.T) {
	for _, c := range []cometchatConfig{{AppID: "a"}, {Region: "eu"}, {APIKey: "k"}, {BaseURL: "u"}} {
		if !c.enabled() {
			t.Errorf("%#v is not enabled", c)
		}
	}
	for _, c := range []cometchatConfig{{}, {BotUID: "b"}, {WebhookUsername: "u", WebhookPassword: "p"}} {
		if c.enabled() {
			t.Errorf("%#v is enabled", c)
		}
	}
}
