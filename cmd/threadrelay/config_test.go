package main

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// comet are the variables of a complete CometChat connection.
func comet(more ...string) []string {
	return append([]string{"COMETCHAT_APP_ID=app1", "COMETCHAT_REGION=eu", "COMETCHAT_API_KEY=key-s3cret"}, more...)
}

func TestLoadConfigDefaults(t *testing.T) {
	got, warnings, err := loadConfig(nil)
	if err != nil {
		t.Fatalf("loadConfig of an empty environment: %v", err)
	}
	want := config{
		Relay: relayConfig{
			Listen: ":8080", AdminListen: "127.0.0.1:9090", Roles: list{"ingest", "deliver", "bots"}, DataDir: "./data",
			Fsync: "interval", DedupWindow: 10 * time.Minute, Retention: 168 * time.Hour,
		},
		NATS:      natsConfig{Replicas: 1},
		Log:       logConfig{Level: "info"},
		CometChat: cometchatConfig{Poll: list{"off"}, PollInterval: 5 * time.Second, SenderLimit: "learn"}, RocketChat: rocketchatConfig{PollInterval: 10 * time.Second},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v\nwant %#v", got, want)
	}
	if got.CometChat.enabled() || got.RocketChat.enabled() {
		t.Error("an empty environment makes a connection")
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "nothing is connected") {
		t.Errorf("warnings = %q, want one that nothing is connected", warnings)
	}
}

func TestLoadConfigReadsEveryVariable(t *testing.T) {
	t.Setenv("THREADRELAY_DATA_DIR", "global") // Must not be seen: the environment is passed in.
	_, _, authority := ownAuthority(t)
	ca := writeValue(t, authority)
	file := writeRouting(t, "connections:\n")
	got, warnings, err := loadConfig([]string{
		"THREADRELAY_LISTEN= 10.0.0.1:80 ", "THREADRELAY_ADMIN_LISTEN=0.0.0.0:9000", "THREADRELAY_ADMIN_TOKEN=adm1n",
		"THREADRELAY_ROLES= ingest , bots", "THREADRELAY_CONFIG= " + file, "THREADRELAY_BOTS=echo", "THREADRELAY_DATA_DIR=/var/lib/x",
		"THREADRELAY_FSYNC=Always", "THREADRELAY_DEDUP_WINDOW=1h", "THREADRELAY_RETENTION=1h", "THREADRELAY_MAX_STORE=1GiB",
		"NATS_URL=nats://u:p@a:4222, tls://b", "NATS_CREDS=c", "NATS_USER=u", "NATS_PASSWORD=p", "NATS_CA=ca",
		"NATS_CERT=cert", "NATS_KEY=key", "NATS_REPLICAS=3", "LOG_LEVEL=WARN", "LOG_FORMAT=json",
		"COMETCHAT_APP_ID=app1", "COMETCHAT_REGION=EU", "COMETCHAT_API_KEY=k", "COMETCHAT_BASE_URL=https://x.example/v3", "COMETCHAT_CA=" + ca,
		"COMETCHAT_BOT_UID=bot", "COMETCHAT_WEBHOOK_USERNAME=hu", "COMETCHAT_WEBHOOK_PASSWORD=hp",
		"COMETCHAT_POLL= group/Eng , ana", "COMETCHAT_POLL_INTERVAL=9s", "COMETCHAT_POLL_BACKFILL=24h", "COMETCHAT_SENDER_LIMIT=30/1m",
		"ROCKETCHAT_URL=https://rc.example", "ROCKETCHAT_CA=" + ca, "ROCKETCHAT_USER_ID=u1", "ROCKETCHAT_AUTH_TOKEN=rt", "ROCKETCHAT_WEBHOOK_TOKEN=rh",
		"ROCKETCHAT_ROOMS=#a, @ana ,GENERAL", "ROCKETCHAT_REALTIME=true", "ROCKETCHAT_POLL_INTERVAL=11s", "ROCKETCHAT_POLL_BACKFILL=1h",
	})
	if err != nil {
		t.Fatalf("loadConfig: %v", err)
	}
	want := config{
		Relay: relayConfig{
			Listen: "10.0.0.1:80", AdminListen: "0.0.0.0:9000", AdminToken: "adm1n", Roles: list{"ingest", "bots"},
			Config: file, Bots: list{"echo"}, DataDir: "/var/lib/x", Fsync: "always", DedupWindow: time.Hour, Retention: time.Hour, MaxStore: 1 << 30,
		},
		NATS: natsConfig{
			URL: "nats://u:p@a:4222, tls://b", Creds: "c", User: "u", Password: "p", CA: "ca", Cert: "cert", Key: "key", Replicas: 3,
		},
		Log: logConfig{Level: "warn", Format: "json"},
		CometChat: cometchatConfig{
			AppID: "app1", Region: "eu", APIKey: "k", BaseURL: "https://x.example/v3", CA: ca, BotUID: "bot",
			WebhookUsername: "hu", WebhookPassword: "hp",
			Poll: list{"group/Eng", "ana"}, PollInterval: 9 * time.Second, PollBackfill: 24 * time.Hour, SenderLimit: "30/1m",
		},
		RocketChat: rocketchatConfig{
			URL: "https://rc.example", CA: ca, UserID: "u1", AuthToken: "rt", WebhookToken: "rh", Rooms: list{"#a", "@ana", "GENERAL"}, Realtime: true,
			PollInterval: 11 * time.Second, PollBackfill: time.Hour,
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("loadConfig differs from what was given:\ngot  %#v\nwant %#v", got, want)
	}
	if len(warnings) != 0 {
		t.Errorf("warnings = %q, want none", warnings)
	}
}

func TestLoadConfigReportsAllFaults(t *testing.T) {
	_, _, err := loadConfig([]string{
		"THREADRELAY_LISTEN=nowhere", "THREADRELAY_FSYNC=sometimes", "THREADRELAY_RETENTION=soon", "NATS_REPLICAS=many",
		"LOG_LEVEL=loud", "COMETCHAT_WEBHOOK_PASSWORD=hush", "THREADRELAY_ADMIN_LISTEN=:9090",
	})
	if err == nil {
		t.Fatal("loadConfig accepted seven faults")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, want := range []string{
		`THREADRELAY_LISTEN: "nowhere" is not host:port; allowed: host:port`,
		`THREADRELAY_FSYNC: "sometimes" is not known; allowed: interval, always`,
		`THREADRELAY_RETENTION: "soon" is not a duration; allowed: a positive duration such as 168h`,
		`NATS_REPLICAS: "many" is not a whole number; allowed: a whole number from 1 to 5`,
		`LOG_LEVEL: "loud" is not known; allowed: debug, info, warn, error`,
		`COMETCHAT_WEBHOOK_USERNAME: is missing although COMETCHAT_WEBHOOK_PASSWORD is set; allowed: any text`,
		`THREADRELAY_ADMIN_TOKEN: is required because THREADRELAY_ADMIN_LISTEN ":9090" is not a loopback address; allowed: any text`,
	} {
		if n := countPrefix(lines, want); n != 1 {
			t.Errorf("%d lines start with %q, want 1; all:\n%v", n, want, err)
		}
	}
	if len(lines) != 7 {
		t.Errorf("%d lines, want one for each of 7 faults:\n%v", len(lines), err)
	}
}

func countPrefix(lines []string, prefix string) int {
	n := 0
	for _, line := range lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// onlyFault fails the test unless err is one line that starts with prefix.
func onlyFault(t *testing.T, err error, prefix string) {
	t.Helper()
	switch {
	case prefix == "" && err != nil:
		t.Errorf("unexpected fault: %v", err)
	case prefix != "" && err == nil:
		t.Errorf("no fault, want %q", prefix)
	case prefix != "" && (!strings.HasPrefix(err.Error(), prefix) || strings.Contains(err.Error(), "\n")):
		t.Errorf("fault = %v\nwant only %q", err, prefix)
	case prefix != "" && !strings.Contains(err.Error(), "; allowed: "):
		t.Errorf("fault %v does not say what is allowed", err)
	}
}

func TestListIgnoresWhiteSpace(t *testing.T) {
	var got list
	if err := got.UnmarshalText([]byte(" a ,b,, c")); err != nil {
		t.Fatal(err)
	}
	if want := (list{"a", "b", "", "c"}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
