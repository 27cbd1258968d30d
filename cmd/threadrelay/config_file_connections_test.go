package main

import (
	"slices"
	"strings"
	"testing"
)

// whole is the start of a connection that lacks nothing.
const whole = "connections: {a: {platform: cometchat, app_id: x, region: eu, api_key: k"

func TestFileValues(t *testing.T) {
	tests := []struct {
		name, more string // what stands behind the start of a connection
		want       []string
	}{
		{"nothing more", "}}", nil},
		{"no value", ", bot_uid: }}", []string{"bot_uid: has no value; want a single value"}},
		{"null", ", bot_uid: ~}}", []string{"bot_uid: has no value; want a single value"}},
		{"empty", ", bot_uid: ''}}", []string{"bot_uid: is empty; leave the key out, or give it a value"}},
		{"mapping for a value", ", bot_uid: {x: y}}}", []string{"bot_uid: is keys with values; want a single value"}},
		{"list for a value", ", bot_uid: [x]}}", []string{"bot_uid: is a list; want a single value"}},
		{"value for a list", ", poll: {sources: app}}}", []string{"poll.sources: is a single value; want a list such as [one, two]"}},
		{"value for a mapping", ", poll: app}}", []string{"poll: is a single value; want keys with values"}},
		{"empty mapping", ", webhook: }}", []string{"webhook.username: is missing", "webhook.password: is missing"}},
		{"half a webhook", ", webhook: {username: u}}}", []string{"webhook.password: is missing"}},
		{"colon in a user name", ", webhook: {username: 'a:b', password: hush}}}", []string{"webhook.username: basic auth cannot carry a colon in it"}},
		{"key in other letters", ", botUid: x}}", []string{"botUid: not known; did you mean bot_uid?"}},
		{"key far from any", ", certificate: x}}", []string{"certificate: not known; known: platform, "}},
		{"comma in a password", ", webhook: {username: u, password: x,hush}}}", []string{"webhook: a key without a value; a value that has a comma in it needs quotes"}},
		{"long key", ", " + strings.Repeat("k", 200) + ": x}}", []string{`"` + strings.Repeat("k", 60) + `"...: not known; known: platform, `}},
		{"address of a file", ", base_url: 'file:///x'}}", []string{"base_url: has neither the scheme http nor https; want an http or https address"}},
		{"address with credentials", ", base_url: 'https://u:hush@x/v3'}}", []string{"base_url: carries credentials"}},
		{"bot with white space", ", bot_uid: a b}}", []string{"bot_uid: id has white space or control characters"}},
		{"sources of every kind", ", bot_uid: b, poll: {sources: [user/ana, ben, group/eng, thread/47, user/off]}}}", nil},
		{"no sources", ", poll: {interval: 5s}}}", []string{"poll.sources: names nothing to poll; want some of app, "}},
		{"empty sources", ", poll: {sources: []}}}", []string{"poll.sources: names nothing to poll"}},
		{"source that is a list", ", poll: {sources: [app, [x]]}}}", []string{"poll.sources: is a list; want a single value"}},
		{"off", ", poll: {sources: [off]}}}", []string{"poll.sources: off is no source; leave poll out"}},
		{"user without a bot", ", poll: {sources: [ana]}}}", []string{`poll.sources: source "user/ana": connection "a" has no BotUID`}},
		{"unknown kind", ", poll: {sources: [room/a]}}}", []string{`poll.sources: source "room/a": want app, user/<uid>, group/<guid> or thread/<id>`}},
		{"two sources", ", poll: {sources: [room/a, group/]}}}", []string{`poll.sources: source "room/a"`, `poll.sources: source "group/": id is missing`}},
		{"interval", ", poll: {sources: [app], interval: 99ms}}}", []string{`poll.interval: "99ms" is too short; want 100ms at least`}},
		{"backfill", ", poll: {sources: [app], backfill: -1h}}}", []string{`poll.backfill: "-1h" is too short; want 0s at least`}},
		{"no backfill", ", poll: {sources: [app], backfill: 0}}}", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadRouting(t, whole+tt.more)
			var want []string
			for _, w := range tt.want {
				want = append(want, "connections.a."+w)
			}
			wantFileFaults(t, dropPlaces(t, err), want...)
		})
	}
}

// Two connections for one app would take each other's messages for repeats.
func TestFileWithOneAppTwice(t *testing.T) {
	_, _, err := loadRouting(t, whole+"}, b: {platform: cometchat, app_id: X, region: us, api_key: k}, c: {platform: cometchat}, d: {platform: cometchat}}")
	wantFileFaults(t, dropPlaces(t, err), "connections.b.app_id: is the app of connection a, too",
		"connections.c.app_id: is missing", "connections.c.api_key: is missing", "connections.c.region: is missing",
		"connections.d.app_id: is missing", "connections.d.api_key: is missing", "connections.d.region: is missing")
}

// dropPlaces returns faults without line and column, which have to be there, behind the name of the file.
func dropPlaces(t *testing.T, err error) error {
	t.Helper()
	if err == nil {
		return nil
	}
	var out []string
	for line := range strings.Lines(err.Error()) {
		_, fault, _ := strings.Cut(line, "relay.yaml:")
		place, problem, _ := strings.Cut(fault, ": ")
		if row, column, ok := strings.Cut(place, ":"); !ok || strings.Trim(row+column, "0123456789") != "" || row == "" || column == "" {
			t.Errorf("no place in %s", line)
		}
		out = append(out, "relay.yaml:"+problem)
	}
	return faultText(strings.Join(out, ""))
}

// faultText is an error of this text.
type faultText string

func (f faultText) Error() string { return string(f) }

// Bots need somebody to answer as on every connection.
func TestFileWithBots(t *testing.T) {
	_, _, err := loadRouting(t, whole+"}}", "THREADRELAY_BOTS=echo")
	wantFileFaults(t, err, "1:18: connections.a.bot_uid: is missing, and the bots of THREADRELAY_BOTS answer as that user")
	if _, _, err := loadRouting(t, whole+", bot_uid: b}}", "THREADRELAY_BOTS=echo"); err != nil {
		t.Error(err)
	}
}

// Whatever is wrong, and at whichever key a secret was put, it is not shown.
func TestFileShowsNoSecrets(t *testing.T) {
	environ := []string{"S=hush hush", "T=hush", "U_FILE=" + writeValue(t, "hush hush\n"), "ADDRESS=https://hush/?hush", "THREADRELAY_BOTS=echo"}
	for _, value := range []string{`"${S}"`, `"${T}"`, `"x${T}y/z"`, `"${ADDRESS}"`, `"${U}"`} {
		for _, key := range []string{
			"platform", "app_id", "region", "api_key", "base_url", "ca", "bot_uid", "webhook", "poll", "deliver", "unknown",
		} {
			_, _, err := loadRouting(t, "connections:\n  a:\n    "+key+": "+value+"\n", environ...)
			wantNoHush(t, err)
		}
		for _, block := range []string{
			"webhook: {username: %, password: %, token: %}", "poll: {sources: [%, %], interval: %, backfill: %}", "deliver: {unknown: %, root_gone: %, sender_limit: %}",
			"deliver: {retry: {attempts: %, age: %, min: %, max: %}, breaker: {failures: %, over: %, min: %, max: %}}",
		} {
			more := ", bot_uid: b, " + strings.ReplaceAll(block, "%", value) + "}}"
			_, _, err := loadRouting(t, whole+more, environ...)
			wantNoHush(t, err)
		}
	}
	for _, value := range []string{`"${S}"`, `"x${T}y/z"`, `"${ADDRESS}"`, `"${U}"`} {
		for _, key := range []string{"url", "user_id", "auth_token", "webhook: {token: %, username: %}, realtime", "poll: {interval: %, backfill: %}, realtime"} {
			_, _, err := loadRouting(t, "connections: {a: {platform: rocketchat, rooms: [%, %], "+strings.ReplaceAll(key, "%", value)+": "+value+"}}", environ...)
			wantNoHush(t, err)
		}
	}
	for _, literal := range []string{
		"webhook: {username: 'hush:u', password: hush hush}", "webhook: {password: hush}", "api_key: hush hush", "api_key: hush${x", "api_key: hush: x",
	} {
		_, _, err := loadRouting(t, "connections:\n  a:\n    platform: cometchat\n    "+literal+"\n", environ...)
		wantNoHush(t, err)
	}
}

func wantNoHush(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		t.Error("no fault")
	} else if strings.Contains(strings.ToLower(err.Error()), "hush") {
		t.Errorf("a fault shows a secret: %v", err)
	}
}

func TestFileWarnings(t *testing.T) {
	tests := []struct {
		name, more string
		roles      string
		want       []string
	}{
		{"webhooks", ", webhook: {username: u, password: p}}}", "ingest", nil},
		{"poll", ", poll: {sources: [app]}}}", "ingest", nil},
		{"no way in", "}}", "ingest", []string{"nothing comes in: it has neither webhook nor poll"}},
		{"no way in, and none needed", "}}", "deliver", nil},
		{"poll without its role", ", poll: {sources: [app]}}}", "deliver", []string{"poll has no effect, because THREADRELAY_ROLES does not name ingest"}},
		{"read twice", ", poll: {sources: [app, group/a]}}}", "ingest", []string{"poll names app, which is all messages, and others besides: those are read twice"}},
		{"plain http", ", base_url: 'http://chat.example/v3', poll: {sources: [app]}}}", "ingest", []string{"base_url is plain http to another machine: the API key travels unencrypted"}},
		{"plain http here", ", base_url: 'http://127.0.0.1:1/v3', poll: {sources: [app]}}}", "ingest", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg, got, err := loadRouting(t, whole+tt.more, "THREADRELAY_ROLES="+tt.roles)
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			for _, w := range tt.want {
				want = append(want, cfg.Relay.Config+":1:15: connections.a: "+w)
			}
			if !slices.Equal(got, want) {
				t.Errorf("warnings are %q, want %q", got, want)
			}
		})
	}
}

// What a platform says of its Config finds its key, and what has none is said of the connection.
func TestBlame(t *testing.T) {
	f := &configFile{name: "relay.yaml", given: map[string]string{"X": "hush"}}
	document := f.parse([]byte("a: ${X}\nb: two\n"))
	m := f.mapping("top", document)
	fields := map[string]spot{"A": {m, "a"}, "B": {m, "b"}, "C": {m, "c"}, "Nowhere": {nil, "x"}}
	for _, text := range []string{
		"platform: A: HUSH is long", "platform: B: is odd", "platform: B: is even", "platform: C: missing", "platform: D: unknown field",
		"platform: Nowhere: no such mapping", "something else",
	} {
		m.blame(faultText(text), fields)
	}
	m.blame(nil, fields)
	var got []string
	for _, err := range f.errors() {
		got = append(got, err.Error())
	}
	want := []string{
		"relay.yaml:1:1: top.c: missing", "relay.yaml:1:1: top: platform: D: unknown field", "relay.yaml:1:1: top: platform: Nowhere: no such mapping",
		"relay.yaml:1:1: top: something else", `relay.yaml:1:4: top.a: what "${X}" stands for is not allowed here`, "relay.yaml:2:4: top.b: is odd",
	}
	if !slices.Equal(got, want) {
		t.Errorf("faults are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
