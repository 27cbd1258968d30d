package main

import (
	"strings"
	"testing"
)

func TestListenerFaults(t *testing.T) {
	tests := []struct {
		name          string
		public, admin string
		token         string
		want          string
	}{
		{name: "loopback needs no token", admin: "127.0.0.1:9090"},
		{name: "localhost needs no token", admin: "LocalHost:9090"},
		{name: "IPv6 loopback needs no token", admin: "[::1]:9090"},
		{name: "mapped loopback needs no token", admin: "[::ffff:127.0.0.1]:9090"},
		{name: "all of 127/8 is loopback", admin: "127.8.8.8:9090"},
		{name: "no host", admin: ":9090", want: "THREADRELAY_ADMIN_TOKEN: is required"},
		{name: "every address", admin: "0.0.0.0:9090", want: "THREADRELAY_ADMIN_TOKEN: is required"},
		{name: "every IPv6 address", admin: "[::]:9090", want: "THREADRELAY_ADMIN_TOKEN: is required"},
		{name: "a name", admin: "relay.example:9090", want: "THREADRELAY_ADMIN_TOKEN: is required"},
		{name: "a name that begins like localhost", admin: "localhost.example:9090", want: "THREADRELAY_ADMIN_TOKEN: is required"},
		{name: "another machine's address", admin: "10.1.1.1:9090", want: "THREADRELAY_ADMIN_TOKEN: is required"},
		{name: "with a token", admin: ":9090", token: "t"},
		{name: "no port", admin: "127.0.0.1", want: `THREADRELAY_ADMIN_LISTEN: "127.0.0.1" is not host:port`},
		{name: "empty port", public: "127.0.0.1:", want: `THREADRELAY_LISTEN: "127.0.0.1:" has no port`},
		{name: "named port", public: ":http", want: `THREADRELAY_LISTEN: ":http" has no port`},
		{name: "port too large", public: ":65536", want: `THREADRELAY_LISTEN: ":65536" has no port`},
		{name: "negative port", public: ":-1", want: `THREADRELAY_LISTEN: ":-1" has no port`},
		{name: "a URL", public: "http://x:80", want: `THREADRELAY_LISTEN: "http://x:80" is not host:port`},
		{name: "a path in the host", public: "a/b:80", want: `THREADRELAY_LISTEN: "a/b:80" has no valid host`},
		{name: "equal", public: "127.0.0.1:80", admin: "127.0.0.1:80", want: `THREADRELAY_ADMIN_LISTEN: "127.0.0.1:80" is taken`},
		{name: "equal by name", public: "127.0.0.1:80", admin: "localhost:80", want: `THREADRELAY_ADMIN_LISTEN: "localhost:80" is taken`},
		{name: "equal names", public: "A.example:80", admin: "a.example:80", token: "t", want: "THREADRELAY_ADMIN_LISTEN:"},
		{name: "covered by no host", public: ":9090", admin: "127.0.0.1:9090", want: "THREADRELAY_ADMIN_LISTEN:"},
		{name: "covers the other", public: "10.0.0.1:80", admin: "0.0.0.0:80", token: "t", want: "THREADRELAY_ADMIN_LISTEN:"},
		{name: "IPv4 does not cover IPv6", public: "0.0.0.0:80", admin: "[::1]:80"},
		{name: "same port, other address", public: "10.0.0.1:80", admin: "127.0.0.1:80"},
		{name: "port 0 twice", public: "127.0.0.1:0", admin: "127.0.0.1:0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadConfig([]string{
				"THREADRELAY_LISTEN=" + tt.public, "THREADRELAY_ADMIN_LISTEN=" + tt.admin, "THREADRELAY_ADMIN_TOKEN=" + tt.token,
			})
			onlyFault(t, err, tt.want)
		})
	}
}

func TestRelayFaults(t *testing.T) {
	tests := []struct{ name, set, want string }{
		{"one role", "THREADRELAY_ROLES=deliver", ""},
		{"unknown role", "THREADRELAY_ROLES=ingest,Deliver", `THREADRELAY_ROLES: "Deliver" is not known`},
		{"repeated role", "THREADRELAY_ROLES=bots,ingest,bots", `THREADRELAY_ROLES: "bots" is repeated`},
		{"empty item", "THREADRELAY_ROLES=bots,", "THREADRELAY_ROLES: item 2 is empty"},
		{"unknown bot", "THREADRELAY_BOTS=ecko", `THREADRELAY_BOTS: "ecko" is not known`},
		{"repeated bot", "THREADRELAY_BOTS=echo,echo", `THREADRELAY_BOTS: "echo" is repeated`},
		{"fsync", "THREADRELAY_FSYNC=never", `THREADRELAY_FSYNC: "never" is not known`},
		{"format", "LOG_FORMAT=xml", `LOG_FORMAT: "xml" is not known`},
		{"zero window", "THREADRELAY_DEDUP_WINDOW=0s", "THREADRELAY_DEDUP_WINDOW: 0s is not positive"},
		{"negative window", "THREADRELAY_DEDUP_WINDOW=-1m", "THREADRELAY_DEDUP_WINDOW: -1m0s is not positive"},
		{"zero retention", "THREADRELAY_RETENTION=0s", "THREADRELAY_RETENTION: 0s is not positive"},
		{"retention shorter than window", "THREADRELAY_RETENTION=1m", "THREADRELAY_DEDUP_WINDOW: 10m0s is longer than THREADRELAY_RETENTION 1m0s"},
		{"not a duration", "THREADRELAY_DEDUP_WINDOW=10", `THREADRELAY_DEDUP_WINDOW: "10" is not a duration`},
		{"store", "THREADRELAY_MAX_STORE=10GiB", ""},
		{"small store", "THREADRELAY_MAX_STORE=1MiB", "THREADRELAY_MAX_STORE: 1048576 bytes are too few"},
		{"not a size", "THREADRELAY_MAX_STORE=much", `THREADRELAY_MAX_STORE: "much" is not a number of bytes`},
		{"replicas without a server", "NATS_REPLICAS=3", "NATS_REPLICAS: 3 replicas need NATS_URL"},
		{"too many replicas", "NATS_REPLICAS=6", "NATS_REPLICAS: 6 is out of range"},
		{"no replicas", "NATS_REPLICAS=0", "NATS_REPLICAS: 0 is out of range"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadConfig([]string{tt.set})
			onlyFault(t, err, tt.want)
		})
	}
}

// fed are the variables of a CometChat connection that events come in by.
func fed(more ...string) []string { return comet(append([]string{"COMETCHAT_POLL=app"}, more...)...) }

func TestWarnings(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		want    []string
	}{
		{"connected", fed(), nil},
		{"nothing connected", nil, []string{"nothing is connected"}},
		{"embedded server for bots alone", []string{"THREADRELAY_ROLES=bots"}, []string{"nothing is connected"}},
		{"bots alone on a cluster", []string{"THREADRELAY_ROLES=bots", "NATS_URL=nats://n"}, nil},
		{"ingest on a cluster", []string{"THREADRELAY_ROLES=ingest", "NATS_URL=nats://n"}, []string{"nothing is connected"}},
		{"bots without their role", fed("THREADRELAY_ROLES=ingest", "THREADRELAY_BOTS=echo", "COMETCHAT_BOT_UID=b"), []string{"THREADRELAY_BOTS has no effect"}},
		{"plain http elsewhere", fed("COMETCHAT_BASE_URL=http://cc.example/v3"), []string{"COMETCHAT_BASE_URL is plain http"}},
		{"plain http here", fed("COMETCHAT_BASE_URL=http://127.0.0.1:9/v3"), nil},
		{"plain http at localhost", fed("COMETCHAT_BASE_URL=http://localhost:9/v3"), nil},
		{"NATS user without a server", fed("NATS_USER=u", "NATS_PASSWORD=p"), []string{"have no effect without NATS_URL"}},
		{"webhook credentials alone", []string{"COMETCHAT_WEBHOOK_USERNAME=u", "COMETCHAT_WEBHOOK_PASSWORD=p"}, []string{"nothing is connected", "no effect without a CometChat"}},
		{"no way in", comet(), []string{"nothing comes in from CometChat"}},
		{"no way in, and none needed", comet("THREADRELAY_ROLES=deliver"), nil},
		{"webhooks alone", comet("COMETCHAT_WEBHOOK_USERNAME=u", "COMETCHAT_WEBHOOK_PASSWORD=p"), nil},
		{"poll without a connection", []string{"COMETCHAT_POLL=app"}, []string{"nothing is connected", "COMETCHAT_POLL has no effect without"}},
		{"poll without its role", fed("THREADRELAY_ROLES=deliver"), []string{"COMETCHAT_POLL has no effect, because THREADRELAY_ROLES"}},
		{"all messages and some of them", fed("COMETCHAT_POLL=group/a,app"), []string{"those are read twice"}},
		{"unknown", fed("THREADRELAY_FOO_BAR_BAZ=1"), []string{"THREADRELAY_FOO_BAR_BAZ is not a known variable and has no effect"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, got, err := loadConfig(tt.environ)
			if err != nil {
				t.Fatalf("loadConfig: %v", err)
			}
			if len(got) != len(tt.want) {
				t.Fatalf("warnings = %q, want %q", got, tt.want)
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("warning %q does not contain %q", got[i], want)
				}
			}
		})
	}
}
