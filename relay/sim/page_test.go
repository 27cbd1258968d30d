package sim_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func (a *app) pageServer() string {
	a.t.Helper()
	srv := httptest.NewServer(a.Page())
	a.t.Cleanup(func() { a.Close(); srv.Close() })
	return srv.URL
}

// visited is what a visit answered, beside its body.
type visited struct {
	StatusCode int
	Header     http.Header
}

// visit sends a request to the page without following redirects.
func visit(t *testing.T, method, at string, form url.Values, header map[string]string) (visited, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, at, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return visited{res.StatusCode, res.Header}, string(body)
}

// find returns the element with an id and its text; nil when there is none.
func find(t *testing.T, page, id string) (*html.Node, string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		for _, attr := range n.Attr {
			if attr.Key != "id" || attr.Val != id {
				continue
			}
			var text strings.Builder
			for d := range n.Descendants() {
				if d.Type == html.TextNode {
					text.WriteString(d.Data + " ")
				}
			}
			return n, strings.Join(strings.Fields(text.String()), " ")
		}
	}
	return nil, ""
}

func TestPageShowsRepliesUnderTheirRoot(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	root := a.say(sim.Say{From: "ann", ToGroup: "team", Text: "question"})
	other := a.say(sim.Say{From: "bot", ToGroup: "team", Text: "something else"})
	reply := a.do("POST", "/messages/"+root.ID+"/thread", "bot", text("group", "team", "the answer")).want(t, 200, "").data()["id"].(string)
	if err := a.React("ann", reply, "👍"); err != nil {
		t.Fatal(err)
	}
	_, page := visit(t, "GET", a.pageServer()+"/?as=ann&with=group/team", nil, nil)
	node, words := find(t, page, "message-"+reply)
	if node == nil || words != "R Robo API "+a.Messages()[2].SentAt.Format("15:04")+" the answer 👍 1" {
		t.Fatalf("reply shows %q in %s", words, page)
	}
	inside := false
	for n := range node.Ancestors() {
		for _, attr := range n.Attr {
			inside = inside || attr.Key == "id" && attr.Val == "thread-"+root.ID
		}
	}
	if !inside {
		t.Error("the reply is not inside its root's thread")
	}
	if _, words := find(t, page, "thread-"+root.ID); !strings.Contains(words, "1 reply") {
		t.Errorf("thread says %q", words)
	}
	if _, words := find(t, page, "thread-"+other.ID); strings.Contains(words, "answer") {
		t.Errorf("other thread says %q", words)
	}
}

func TestPageEscapes(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	const bad = `<script>alert("x")</script>`
	if err := a.AddUser(sim.User{UID: "eve", Name: bad}); err != nil {
		t.Fatal(err)
	}
	a.say(sim.Say{From: "eve", ToUser: "ann", Text: bad})
	res, page := visit(t, "GET", a.pageServer()+"/?as=ann&with=user/eve&x="+url.QueryEscape(bad), nil, nil)
	if strings.Contains(page, "<script>alert") {
		t.Error("text of a person stands in the page as markup")
	}
	if _, words := find(t, page, "thread-1"); !strings.Contains(words, bad) {
		t.Errorf("thread says %q", words)
	}
	if csp := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
}

func TestPagePosts(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	at := a.pageServer() + "/say"
	form := func(with, parent, text string) url.Values {
		return url.Values{"as": {"ann"}, "with": {with}, "parent": {parent}, "text": {text}}
	}
	for _, c := range []struct {
		name     string
		form     url.Values
		header   map[string]string
		status   int
		location string
		messages int
	}{
		{"form", form("group/team", "", "one\r\ntwo"), nil, 303, "./?as=ann&with=group%2Fteam#thread-1", 1},
		{"reply", form("group/team", "1", "three"), nil, 303, "./?as=ann&with=group%2Fteam#thread-1", 2},
		{"script", form("user/bot", "", "four"), map[string]string{"X-Live": "1"}, 204, "", 3},
		{"empty", form("user/bot", "", ""), nil, 422, "", 3},
		{"empty by script", form("user/bot", "", ""), map[string]string{"X-Live": "1"}, 422, "", 3},
		{"too large", form("user/bot", "", strings.Repeat("x", 70000)), nil, 400, "", 3},
		{"from another site", form("user/bot", "", "five"), map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "", 3},
		{"from another origin", form("user/bot", "", "five"), map[string]string{"Origin": "http://evil.example"}, 403, "", 3},
		{"from this site", form("user/bot", "", "six"), map[string]string{"Sec-Fetch-Site": "same-origin"}, 303, "./?as=ann&with=user%2Fbot#thread-4", 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := visit(t, "POST", at, c.form, c.header)
			if res.StatusCode != c.status || res.Header.Get("Location") != c.location {
				t.Errorf("got %d %q: %s", res.StatusCode, res.Header.Get("Location"), body)
			}
			if got := len(a.Messages()); got != c.messages {
				t.Errorf("%d messages, want %d", got, c.messages)
			}
		})
	}
	if m := a.Messages(); m[0].Text != "one\ntwo" || m[1].ParentID != "1" || m[2].Receiver != "bot" {
		t.Errorf("messages %+v", m)
	}
	if _, page := visit(t, "POST", at, form("user/bot", "", " "), nil); !strings.Contains(page, `role="alert"`) {
		t.Error("the refusal is not shown")
	}
}

func TestPageChoices(t *testing.T) {
	empty, err := sim.NewCometChat(sim.CometChatConfig{APIKey: key})
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Close()
	rec := httptest.NewRecorder()
	empty.Page().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	if !strings.Contains(rec.Body.String(), "no users yet") {
		t.Errorf("an empty app shows %s", rec.Body)
	}
	a := newApp(t, sim.CometChatConfig{})
	a.say(sim.Say{From: "ben", ToUser: "ann", Text: "x"})
	at := a.pageServer()
	for _, c := range []struct{ query, title string }{
		{"", "Ben · Simulated CometChat"},
		{"?as=bot", "The Team · Simulated CometChat"},
		{"?as=zed&with=user/zed", "Ben · Simulated CometChat"},
		{"?as=ben&with=group/team", "Ann Lee · Simulated CometChat"},
		{"?as=ANN&with=USER/BOT", "Robo · Simulated CometChat"},
	} {
		if res, page := visit(t, "GET", at+"/"+c.query, nil, nil); res.StatusCode != 200 || !strings.Contains(page, "<title>"+c.title+"</title>") {
			t.Errorf("%q lacks the title %q", c.query, c.title)
		}
	}
	for path, kind := range map[string]string{"/page.css": "text/css", "/page.js": "text/javascript"} {
		if res, body := visit(t, "GET", at+path, nil, nil); !strings.HasPrefix(res.Header.Get("Content-Type"), kind) || len(body) < 500 {
			t.Errorf("%s is %d bytes of %s", path, len(body), res.Header.Get("Content-Type"))
		}
	}
}

type liveUpdate struct {
	Rooms   string
	Faults  *string
	Threads []struct{ ID, HTML string } // field names match without regard to case
	IDs     []string
}

func TestPagePushesChanges(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	root := a.say(sim.Say{From: "ann", ToUser: "bot", Text: "question"})
	req, err := http.NewRequestWithContext(within(t), "GET", a.pageServer()+"/live?as=ann&with=user/bot", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if kind := res.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Fatalf("content type %q", kind)
	}
	lines := bufio.NewScanner(res.Body)
	next := func() liveUpdate {
		t.Helper()
		var u liveUpdate
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				if err := json.Unmarshal([]byte(data), &u); err != nil {
					t.Fatal(err)
				}
				return u
			}
		}
		t.Fatalf("the stream ended: %v", lines.Err())
		return u
	}
	if u := next(); len(u.Threads) != 1 || u.Threads[0].ID != "thread-"+root.ID || u.Rooms == "" {
		t.Errorf("first %+v", u)
	}
	a.say(sim.Say{From: "bot", Parent: root.ID, Text: "<answer>"})
	if u := next(); len(u.Threads) != 1 || !strings.Contains(u.Threads[0].HTML, "&lt;answer&gt;") {
		t.Errorf("after a reply %+v", u)
	}
	a.say(sim.Say{From: "bot", ToGroup: "team", Text: "elsewhere"})
	if u := next(); len(u.Threads) != 0 || !strings.Contains(u.Rooms, "elsewhere") {
		t.Errorf("after a message elsewhere %+v", u)
	}
	a.Inject(sim.Fault{Method: "PATCH", Status: 500})
	if u := next(); u.Faults == nil || !strings.Contains(*u.Faults, "Set by a program") || u.Rooms != "" {
		t.Errorf("after a fault %+v", u)
	}
	a.ClearFaults()
	if u := next(); u.Faults == nil || *u.Faults != "" {
		t.Errorf("after clearing %+v", u)
	}
	a.do("DELETE", "/messages/"+root.ID, "", object{"permanent": true}).want(t, 200, "")
	if u := next(); len(u.IDs) != 1 || u.IDs[0] != "thread-2" {
		t.Errorf("after a deletion for good %+v", u)
	}
	a.Close()
	more := true
	for range 2 { // the end of the update above, and then the end
		more = lines.Scan()
	}
	if more {
		t.Error("the stream goes on after Close")
	}
}
