package rocketsim_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// The 401 bodies of frames.json (rest_errors): 9 has dropped the older keys.
func TestLoginIsWanted(t *testing.T) {
	const text = "You must be logged in to do this."
	for version, want := range map[int]object{
		7: {"error": text, "status": "error", "message": text}, 8: {"error": text, "status": "error", "message": text}, 9: {"error": text},
	} {
		x := newSite(t, rocketsim.Config{Version: version})
		x.get("me", "").refused(t, 401, want)
		x.get("me", "nobody").refused(t, 401, want)
		x.post("chat.sendMessage", "", object{}).refused(t, 401, want) // before what is wrong with the body
		r, err := http.NewRequest(http.MethodGet, x.url+"/api/v1/me", nil)
		must(t, err)
		r.Header.Set("X-User-Id", "id-ann")
		r.Header.Set("X-Auth-Token", "token-ben") // somebody else's
		x.send(r).refused(t, 401, want)
		x.get("me", "ann").ok(t)
		must(t, x.RevokeTokens("ann"))
		x.get("me", "ann").refused(t, 401, want)
		secret, err := x.IssueToken("id-ann")
		must(t, err)
		r.Header.Set("X-Auth-Token", secret)
		x.send(r).ok(t)
	}
}

func TestUnknownRoutes(t *testing.T) {
	want := object{"error": "Resource not found"}
	for _, version := range versions() {
		x := newSite(t, rocketsim.Config{Version: version})
		for _, c := range [][2]string{
			{"GET", "chat.nothing"}, {"GET", "chat.sendMessage"}, {"POST", "me"}, {"GET", "me/too"}, {"GET", "/api/v2/me"},
			{"GET", "/api/nothing"}, {"DELETE", "chat.delete"}, {"POST", "rooms.upload/GENERAL"}, {"POST", "rooms.media"},
			{"POST", "rooms.mediaConfirm/GENERAL"},
		} {
			x.do(c[0], c[1], "ann", nil).refused(t, 404, want)
		}
	}
	old := newSite(t, rocketsim.Config{Version: 7})
	old.post("chat.readThread", "ann", object{"tmid": "x"}).refused(t, 404, want) // newer than 7
}

func TestAnswersHaveTheServersHeaders(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	for _, r := range []reply{x.get("me", "ann"), x.get("me", ""), x.get("nothing", "")} {
		if r.Get("Content-Type") != "application/json" || r.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", r.Header)
		}
	}
}

// What is no JSON object is taken for an empty one (RC: packages/http-router), so the answer is that of a missing parameter.
func TestMalformedBodies(t *testing.T) {
	for version, want := range map[int]object{
		7: {"error": "must have required property 'message' [invalid-params]", "errorType": "invalid-params"},
		8: {"error": "must have required property 'message'", "errorType": "invalid-params"},
		9: {"error": "must have required property 'message'", "errorType": "invalid-params"},
	} {
		x := newSite(t, rocketsim.Config{Version: version})
		for _, body := range []string{"", "{", `[1]`, `"x"`, "null", `{"message":{}} x`, "<xml/>"} {
			x.post("chat.sendMessage", "ann", body).refused(t, 400, want)
		}
	}
	x := newSite(t, rocketsim.Config{})
	r, err := http.NewRequest(http.MethodPost, x.url+"/api/v1/chat.sendMessage", strings.NewReader(`{"message":{"rid":"GENERAL","msg":"x"}}`))
	must(t, err)
	r.Header.Set("X-User-Id", "id-ann")
	r.Header.Set("X-Auth-Token", "token-ann")
	x.send(r).refused(t, 400, object{"error": "must have required property 'message'", "errorType": "invalid-params"}) // no content type
	form, err := http.NewRequest(http.MethodPost, x.url+"/api/v1/chat.followMessage", strings.NewReader("mid=nothing"))
	must(t, err)
	form.Header = r.Header.Clone()
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	x.send(form).refused(t, 400, object{
		"error": "Invalid message [error-invalid-message]", "errorType": "error-invalid-message", "details": object{"method": "followMessage"},
	})
}

// The words are Ajv's; the suffix and the errorType differ by version (rest_errors of frames.json).
func TestValidationOfQueriesAndBodies(t *testing.T) {
	const extra = "must NOT have additional properties"
	for _, c := range []struct{ method, route, body, want string }{
		{"GET", "chat.getThreadMessages", "", "must have required property 'tmid'"},
		{"GET", "chat.getThreadMessages?tmid=", "", "must NOT have fewer than 1 characters"},
		{"GET", "chat.getThreadMessages?tmid=x&query=%7B%7D", "", extra},
		{"GET", "chat.getThreadMessages?tmid=x&fields=%7B%7D", "", extra},
		{"GET", "chat.getThreadMessages?tmid=x&count=many", "", "must be number"},
		{"GET", "chat.syncThreadMessages?tmid=x&updatedSince=2026-01-02T03:04:05Z&query=1", "", extra},
		{"GET", "chat.syncThreadMessages?tmid=x", "", "must have required property 'updatedSince'"},
		{"GET", "chat.syncThreadMessages?tmid=x&updatedSince=1700000000000", "", `must match format "iso-date-time"`},
		{"GET", "chat.syncThreadMessages?tmid=x&updatedSince=2026-01-02", "", `must match format "iso-date-time"`},
		{"GET", "chat.syncThreadMessages?tmid=x&updatedSince=2026-13-02T03:04:05Z", "", `must match format "iso-date-time"`},
		{"GET", "chat.syncMessages", "", "must have required property 'roomId'"},
		{"GET", "chat.syncMessages?roomId=GENERAL&type=ALL&next=1", "", "must be equal to one of the allowed values"},
		{"GET", "chat.getThreadsList?rid=GENERAL&type=mine", "", "must be equal to one of the allowed values"},
		{"GET", "chat.getMessage?msgId=a&msgId=b", "", "must be string"},
		{"GET", "channels.history?roomId=GENERAL&inclusive=1", "", "must be equal to one of the allowed values"},
		{"GET", "im.history", "", "must have required property 'roomId'"},
		{"POST", "chat.sendMessage", `{"message":"hi"}`, "must be object"},
		{"POST", "chat.sendMessage", `{"message":{"rid":"GENERAL","msg":5}}`, "must be string"},
		{"POST", "chat.sendMessage", `{"message":{"rid":"GENERAL","tshow":"yes"}}`, "must be boolean"},
		{"POST", "chat.sendMessage", `{"message":{"rid":null}}`, "must be string"},
		{"POST", "chat.sendMessage", `{"message":{"attachments":{}}}`, "must be array"},
		{"POST", "chat.sendMessage", `{"message":{"attachments":["x"]}}`, "must be object"},
		{"POST", "chat.sendMessage", `{"message":{},"roomId":"GENERAL"}`, extra},
		{"POST", "chat.update", `{"roomId":"GENERAL","msgId":"x"}`, "must have required property 'text'"},
		{"POST", "chat.update", `{"roomId":"GENERAL","msgId":"x","text":"y","tmid":"z"}`, extra},
		{"POST", "chat.followMessage", `{"mid":""}`, "must NOT have fewer than 1 characters"},
		{"POST", "chat.react", `{"messageId":"x"}`, "must have required property 'emoji'\n must have required property 'reaction'\n " +
			"must match exactly one schema in oneOf"},
		{"POST", "chat.react", `{"messageId":"x","emoji":"smile","reaction":"smile"}`,
			extra + "\n " + extra + "\n must match exactly one schema in oneOf"},
	} {
		for _, version := range versions() {
			x := newSite(t, rocketsim.Config{Version: version})
			var body any
			if c.body != "" {
				body = c.body
			}
			want := object{"error": c.want, "errorType": "invalid-params"}
			switch {
			case version == 7:
				want["error"] = c.want + " [invalid-params]"
			case c.method == "GET":
				want["errorType"] = "error-invalid-params"
			}
			t.Run(fmt.Sprint(version, c.route, c.body), func(t *testing.T) { x.do(c.method, c.route, "ann", body).refused(t, 400, want) })
		}
	}
}

// 9 answers 403 and error-forbidden where earlier versions answered 400 and the code (RC pull 43214).
func TestDenialsByVersion(t *testing.T) {
	x7, x8, x9 := newSite(t, rocketsim.Config{Version: 7}), newSite(t, rocketsim.Config{}), newSite(t, rocketsim.Config{Version: 9})
	for _, x := range []*site{x7, x8, x9} {
		_, err := x.Say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "secret", ID: "secret"})
		must(t, err)
	}
	for _, c := range []struct{ method, route, as, code, reason, details string }{
		{"GET", "chat.getMessage?msgId=secret", "ben", "error-not-allowed", "Not allowed", "getSingleMessage"},
		{"GET", "chat.getThreadMessages?tmid=secret", "ben", "error-not-allowed", "Not Allowed", ""},
		{"GET", "chat.syncThreadMessages?tmid=secret&updatedSince=2026-01-02T03:04:05Z", "ben", "error-not-allowed", "Not Allowed", ""},
		{"GET", "chat.getThreadsList?rid=TEAM", "ben", "error-not-allowed", "Not Allowed", ""},
		{"GET", "chat.syncThreadsList?rid=TEAM&updatedSince=2026-01-02T03:04:05Z", "ben", "error-not-allowed", "Not Allowed", ""},
		{"GET", "chat.syncMessages?roomId=TEAM&lastUpdate=2026-01-02", "ben", "error-not-allowed", "Not allowed", "messages/get"},
		{"POST", "chat.react messageId=secret emoji=smile", "ben", "not-authorized", "Not Authorized", "setReaction"},
		{"POST", "chat.react messageId=secret emoji=nosuch", "ann", "error-not-allowed", "Invalid emoji provided.", "setReaction"},
		{"POST", "chat.followMessage mid=secret", "ben", "error-not-allowed", "not-allowed", "followMessage"},
	} {
		route, body := c.route, any(nil)
		if c.method == "POST" {
			parts := strings.Fields(c.route)
			fields := object{}
			for _, part := range parts[1:] {
				key, value, _ := strings.Cut(part, "=")
				fields[key] = value
			}
			route, body = parts[0], fields
		}
		want := object{"error": c.reason + " [" + c.code + "]", "errorType": c.code}
		if c.details != "" {
			want["details"] = object{"method": c.details}
		}
		x7.do(c.method, route, c.as, body).refused(t, 400, want)
		x8.do(c.method, route, c.as, body).refused(t, 400, want)
		x9.do(c.method, route, c.as, body).refused(t, 403, object{"error": c.reason, "errorType": "error-forbidden"})
	}
	for _, x := range []*site{x7, x8} {
		x.get("rooms.info?roomId=TEAM", "ben").refused(t, 400, object{"error": "not-allowed", "errorType": "Not Allowed"})
	}
	x9.get("rooms.info?roomId=TEAM", "ben").refused(t, 403, object{"error": "Not Allowed", "errorType": "error-forbidden"})
}

func TestLogin(t *testing.T) {
	for version, wrong := range map[int]object{
		7: {"status": "error", "error": "Unauthorized", "message": "Unauthorized"},
		8: {"success": false, "status": "error", "error": "Unauthorized", "message": "Unauthorized"},
		9: {"success": false, "error": "unauthorized"},
	} {
		x := newSite(t, rocketsim.Config{Version: version})
		r := x.post("login", "", object{"user": "ann", "password": "pw-ann"})
		if r.Status != 200 || r.Body["status"] != "success" || r.Body["success"] != nil || r.at("data", "userId") != "id-ann" ||
			r.at("data", "me", "username") != "ann" {
			t.Fatalf("login: %d %s", r.Status, r.Raw)
		}
		secret := r.at("data", "authToken")
		req, err := http.NewRequest(http.MethodGet, x.url+"/api/v1/me", nil)
		must(t, err)
		req.Header.Set("X-User-Id", "id-ann")
		req.Header.Set("X-Auth-Token", secret.(string))
		x.send(req).ok(t)
		if again := x.post("login", "", object{"resume": secret}); again.at("data", "authToken") != secret {
			t.Errorf("resume: %d %s", again.Status, again.Raw)
		}
		if by := x.post("login", "", object{"email": "ann@example.org", "password": "pw-ann"}); by.at("data", "userId") != "id-ann" {
			t.Errorf("by mail: %d %s", by.Status, by.Raw)
		}
		for _, body := range []object{
			{"user": "ann", "password": "pw-ben"}, {"user": "nobody", "password": "pw"}, {"user": "rocket.cat", "password": ""}, {},
		} {
			if r := x.post("login", "", body); r.Status != 401 || fmt.Sprint(r.Body) != fmt.Sprint(wrong) {
				t.Errorf("%v: %d %s", body, r.Status, r.Raw)
			}
		}
		if r := x.post("login", "", object{"resume": "stale"}); r.Status != 401 {
			t.Errorf("stale: %d %s", r.Status, r.Raw)
		}
	}
}

func TestAccounts(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	me := x.get("me", "bot").ok(t)
	if me.Body["_id"] != "id-bot" || me.Body["username"] != "bot" || fmt.Sprint(me.Body["roles"]) != "[user bot]" {
		t.Errorf("me %s", me.Raw)
	}
	other := x.get("users.info?username=bot", "ann").ok(t)
	if other.at("user", "_id") != "id-bot" || other.at("user", "roles") != nil || other.at("user", "emails") != nil {
		t.Errorf("other %s", other.Raw)
	}
	for _, as := range []string{"bot", "root"} {
		if r := x.get("users.info?userId=id-bot", as).ok(t); fmt.Sprint(r.at("user", "roles")) != "[user bot]" {
			t.Errorf("%s sees %s", as, r.Raw)
		}
	}
	x.get("users.info?userId=nothing", "ann").refused(t, 400, object{"error": "User not found."})
	x.get("users.info", "ann").refused(t, 400, object{
		"error": `The required "userId" or "username" param was not provided [error-user-param-not-provided]`, "errorType": "error-user-param-not-provided",
	})
}

func TestInfo(t *testing.T) {
	for version, want := range map[int]string{7: "7.10", 8: "8.8", 9: "9.0"} {
		x := newSite(t, rocketsim.Config{Version: version})
		for _, r := range []reply{x.get("/api/info", ""), x.get("info", ""), x.get("info", "ann")} {
			if r.ok(t); r.Body["version"] != want || r.Body["info"] != nil {
				t.Errorf("info %s", r.Raw)
			}
		}
		if r := x.get("info", "root").ok(t); !strings.HasPrefix(fmt.Sprint(r.at("info", "version")), want+".") {
			t.Errorf("for administrators %s", r.Raw)
		}
	}
}

func TestTimesAreISOWithMilliseconds(t *testing.T) {
	x := newSite(t, rocketsim.Config{Now: func() time.Time { return time.Date(2026, 1, 2, 4, 4, 5, 678912345, time.FixedZone("", 3600)) }})
	m := x.sendMessage("ann", object{"rid": "GENERAL", "msg": "x"}).ok(t).message()
	if m["ts"] != "2026-01-02T03:04:05.678Z" || m["_updatedAt"] != "2026-01-02T03:04:05.678Z" {
		t.Errorf("message %v", m)
	}
}
