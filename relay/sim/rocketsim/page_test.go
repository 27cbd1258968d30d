package rocketsim_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// visit sends a form to the page, or looks at it, without following redirects.
func (x *site) visit(path string, form url.Values, header map[string]string) reply {
	x.t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, x.url+path, body)
	must(x.t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	must(x.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(x.t, err)
	return reply{Header: res.Header, Status: res.StatusCode, Raw: string(raw)}
}

// element returns the element with an id and its text; nil when there is none.
func element(t *testing.T, page, id string) (*html.Node, string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	must(t, err)
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

func TestPageShowsARoomAndAThread(t *testing.T) {
	x := newSite(t, rocketsim.Config{Settings: rocketsim.Settings{KeepHistory: true}})
	root := x.say(in("ben", "question"))
	quiet := x.say(rocketsim.Say{From: "ann", Thread: root, Text: "an answer"})
	shown := x.say(rocketsim.Say{From: "bot", Thread: root, Text: "loud", Show: true, Extra: object{"alias": "Max", "bot": object{"i": "x"}}})
	orphan := x.say(rocketsim.Say{From: "ann", Room: "GENERAL", Thread: "gone", Text: "orphan"})
	must(t, x.EditAs("ann", quiet, "the answer"), x.ReactAs("ben", quiet, "thumbsup", true), x.ReactAs("ann", root, "zzz", true))
	gone := x.say(in("ann", "x"))
	x.say(rocketsim.Say{From: "ann", Thread: gone, Text: "y"})
	must(t, x.DeleteAs("ann", gone))
	file, err := x.Upload(rocketsim.Upload{From: "ann", Room: "GENERAL", Name: "graph.png", Content: []byte("x")})
	must(t, err)
	page := x.visit("/?as=ann&room=general&thread="+root, nil, nil).Raw
	at := x.now().Format("15:04")
	quick := "👍 ❤️ 😄 🎉 👀"
	for id, want := range map[string]string{
		"message-" + root:   "B ben " + at + " question :zzz: 1 2 replies " + quick + " Reply in thread",
		"message-" + shown:  "M Max @bot BOT " + at + " from a thread loud " + quick + " Reply in thread",
		"message-" + orphan: "A ann " + at + " from a thread orphan " + quick + " Reply in thread Edit Edit the message orphan Save Delete",
		"message-" + gone:   "A ann " + at + " This message was deleted. 1 reply",
		"message-" + file:   "A ann " + at + " graph.png " + quick + " Reply in thread Edit Edit the message Save Delete",
		"reply-" + root:     "B ben " + at + " question :zzz: 1 " + quick,
		"reply-" + quiet:    "A ann " + at + " edited the answer 👍 1 " + quick + " Edit Edit the message the answer Save Delete",
		"reply-" + shown:    "M Max @bot BOT " + at + " loud " + quick,
		"thread-count":      "2 replies",
	} {
		if _, words := element(t, page, id); words != want {
			t.Errorf("%s shows\n%q, want\n%q", id, words, want)
		}
	}
	if n, _ := element(t, page, "message-"+quiet); n != nil {
		t.Error("a reply stands in the room")
	}
	if _, words := element(t, page, "log"); !strings.Contains(words, "bot joined") {
		t.Errorf("the room shows %q", words)
	}
	if page := x.visit("/?as=ann&room=TEAM&thread="+root, nil, nil).Raw; strings.Contains(page, "thread-count") {
		t.Error("a thread of another room is shown")
	}
}

func TestPageEscapes(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	const bad = `<script>alert("x")</script>`
	_, err := x.AddUser(rocketsim.User{Username: "eve", Name: bad})
	must(t, err)
	id := x.say(rocketsim.Say{From: "eve", Room: "GENERAL", Text: bad})
	got := x.visit("/?as=eve&room=GENERAL&thread="+id+"&x="+url.QueryEscape(bad), nil, nil)
	if strings.Contains(got.Raw, "<script>alert") {
		t.Error("text of a person stands in the page as markup")
	}
	if _, words := element(t, got.Raw, "message-"+id); strings.Count(words, bad) != 3 { // name, text, and text to edit
		t.Errorf("message says %q", words)
	}
	if csp := got.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
}

func TestPageActs(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	id := x.say(in("ann", "zero"))
	script := map[string]string{"X-Live": "1"}
	form := func(more ...string) url.Values {
		f := url.Values{"as": {"ann"}, "room": {"GENERAL"}}
		for pair := range slices.Chunk(more, 2) {
			f[pair[0]] = pair[1:]
		}
		return f
	}
	for _, c := range []struct {
		name, path string
		form       url.Values
		header     map[string]string
		status     int
		location   string // NEWEST stands for the id of the newest message
		shows      string // words of the page that refuses
	}{
		{"form", "say", form("text", "one\r\ntwo"), nil, 303, "/?as=ann&room=GENERAL#message-NEWEST", ""},
		{"reply", "say", form("text", "three", "thread", id), nil, 303, "/?as=ann&room=GENERAL&thread=" + id + "#reply-NEWEST", ""},
		{"shown reply", "say", form("text", "four", "thread", id, "tshow", "1"), script, 204, "", ""},
		{"to a new person", "say", form("text", "five", "room", "@ben"), nil, 303, "/?as=ann&room=%40ben#message-NEWEST", ""},
		{"empty", "say", form("text", " "), nil, 422, "", "write something first"},
		{"empty by script", "say", form("text", ""), script, 422, "", "write something first"},
		{"by nobody", "say", form("text", "x", "as", "zoe"), script, 422, "", `there is no user "zoe"`},
		{"to nobody", "say", form("text", "x", "room", "@zoe"), script, 422, "", `there is no user "zoe"`},
		{"nowhere", "say", form("text", "x", "room", "zoo"), script, 422, "", "error-invalid-room"},
		{"too large", "say", form("text", strings.Repeat("x", 70000)), nil, 400, "", "too large"},
		{"from another site", "say", form("text", "x"), map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "", ""},
		{"from another origin", "say", form("text", "x"), map[string]string{"Origin": "http://evil.example"}, 403, "", ""},
		{"edit", "edit", form("id", id, "text", "changed\r\ntext"), nil, 303, "/?as=ann&room=GENERAL#message-" + id, ""},
		{"edit of another's", "edit", form("id", id, "text", "x", "as", "ben"), script, 422, "", "Message editing not allowed [error-action-not-allowed]"},
		{"reaction", "react", form("id", id, "emoji", "tada"), script, 204, "", ""},
		{"unknown reaction", "react", form("id", id, "emoji", "nothing"), script, 422, "", "Invalid emoji provided. [error-not-allowed]"},
		{"reaction taken back", "react", form("id", id, "emoji", "tada", "thread", id), nil, 303, "/?as=ann&room=GENERAL&thread=" + id + "#reply-" + id, ""},
		{"deletion of another's", "delete", form("id", id, "as", "ben"), script, 422, "", "Not allowed [error-action-not-allowed]"},
		{"deletion", "delete", form("id", id), script, 204, "", ""},
		{"of nothing", "delete", form("id", "nothing"), script, 422, "", "No message found"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := x.visit("/page/"+c.path, c.form, c.header)
			var newest rocketsim.Message
			for _, room := range []string{"GENERAL", "id-annid-ben"} {
				for _, m := range x.Messages(room) {
					if m.Type == "" && !m.At.Before(newest.At) {
						newest = m
					}
				}
			}
			if to := strings.ReplaceAll(c.location, "NEWEST", newest.ID); got.Status != c.status || got.Get("Location") != to {
				t.Errorf("got %d %q, want %d %q: %s", got.Status, got.Get("Location"), c.status, to, got.Raw)
			}
			if !strings.Contains(html.UnescapeString(got.Raw), c.shows) {
				t.Errorf("got %s, want %q", got.Raw, c.shows)
			}
			x.add(1e6)
		})
	}
	if m, _ := x.Message(id); m.Type != "rm" {
		t.Errorf("deleted message %+v", m)
	}
	var texts []string
	for _, m := range append(x.Thread(id), x.Messages("id-annid-ben")...) {
		texts = append(texts, m.Text)
	}
	if got := strings.Join(texts, " "); got != "three four five" {
		t.Errorf("said %q", got)
	}
	if got := x.visit("/page/say", form("text", " "), nil); !strings.Contains(got.Raw, `role="alert"`) {
		t.Error("the refusal is not shown")
	}
}

func TestPageChoices(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	x.say(rocketsim.Say{From: "bot", Room: "TEAM", Text: "newest"})
	for _, c := range []struct{ query, title, kind string }{
		{"", "team", "Private group of 2 members"},
		{"?as=ben", "general", "Channel of 5 members"},
		{"?as=sue&room=general", "general", "Channel of 5 members, not joined"},
		{"?as=sue&room=TEAM", "general", "not joined"},
		{"?as=zed&room=zed", "team", ""},
		{"?as=ann&room=@bot", "bot", "Direct messages"},
		{"?as=bot&room=id-annid-bot", "ann", "Direct messages"},
		{"?as=ann&room=@ben", "ben", "Direct messages"},
	} {
		if got := x.visit("/"+c.query, nil, nil); got.Status != 200 || !strings.Contains(got.Raw, "<title>"+c.title+" · Simulated Rocket.Chat</title>") || !strings.Contains(got.Raw, c.kind) {
			t.Errorf("%q lacks the title %q or %q", c.query, c.title, c.kind)
		}
	}
	for path, kind := range map[string]string{"/page/page.css": "text/css", "/page/page.js": "text/javascript"} {
		if got := x.visit(path, nil, nil); !strings.HasPrefix(got.Get("Content-Type"), kind) || len(got.Raw) < 500 {
			t.Errorf("%s is %d bytes of %s", path, len(got.Raw), got.Get("Content-Type"))
		}
	}
}

// TestPermalinks follows the addresses that quotes and the real server's own page have.
func TestPermalinks(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	root := x.say(in("ann", "root"))
	reply := x.say(rocketsim.Say{From: "ann", Thread: root, Text: "reply"})
	alone := x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "alone"})
	for path, want := range map[string]string{
		"/channel/general":               "/?as=&room=general",
		"/group/team?msg=" + alone:       "/?as=&room=TEAM#message-" + alone,
		"/channel/general?msg=" + root:   "/?as=&room=GENERAL&thread=" + root + "#message-" + root,
		"/channel/general?msg=" + reply:  "/?as=&room=GENERAL&thread=" + root + "#reply-" + reply,
		"/direct/id-annid-bot?msg=other": "/?as=&room=id-annid-bot",
	} {
		if got := x.visit(path, nil, nil); got.Status != http.StatusSeeOther || got.Get("Location") != want {
			t.Errorf("%s leads with %d to %q, want %q", path, got.Status, got.Get("Location"), want)
		}
	}
}
