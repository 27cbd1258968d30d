package rocketsim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// object is JSON's.
type object = map[string]any

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// site is a simulated server with people: ann and ben (role user), bot (user and bot), root (admin), and sue, who is in no room but may
// see the channels. The rooms are GENERAL with ann, ben, bot and root, the private "team" with ann and bot, and ann's direct room with bot.
type site struct {
	*rocketsim.Server
	*clock
	t   *testing.T
	url string
}

func newSite(t *testing.T, cfg rocketsim.Config) *site {
	t.Helper()
	x := &site{clock: newClock(), t: t}
	if cfg.Now == nil {
		cfg.Now = x.now
	}
	s, err := rocketsim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	x.Server = s
	web := httptest.NewServer(s.Handler())
	x.url = web.URL
	t.Cleanup(func() {
		s.Close()
		web.CloseClientConnections()
		web.Close()
	})
	for name, roles := range map[string][]string{"ann": nil, "ben": nil, "bot": {"user", "bot"}, "root": {"admin"}, "sue": nil} {
		_, err := s.AddUser(rocketsim.User{ID: "id-" + name, Username: name, Roles: roles, Token: "token-" + name, Password: "pw-" + name})
		must(t, err)
	}
	must(t, s.Join("ann", "#general"), s.Join("ben", "GENERAL"), s.Join("bot", "GENERAL"), s.Join("root", "GENERAL"))
	_, err = s.AddRoom(rocketsim.Room{ID: "TEAM", Type: rocketsim.Group, Name: "team", Members: []string{"ann", "bot"}})
	must(t, err)
	_, err = s.AddRoom(rocketsim.Room{Type: rocketsim.Direct, Members: []string{"ann", "bot"}})
	must(t, err)
	x.add(time.Second)
	return x
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// reply is what a request got.
type reply struct {
	http.Header
	Status int // 0 when the request failed
	Err    error
	Raw    string
	Body   object
}

// do makes a request as somebody; the empty name is nobody. A body is sent as JSON, a string as it is.
func (x *site) do(method, route, as string, body any) reply {
	x.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		must(x.t, err)
		in = bytes.NewReader(raw)
	}
	at := x.url + route
	if !strings.HasPrefix(route, "/") {
		at = x.url + "/api/v1/" + route
	}
	r, err := http.NewRequest(method, at, in)
	must(x.t, err)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if as != "" {
		r.Header.Set("X-User-Id", "id-"+as)
		r.Header.Set("X-Auth-Token", "token-"+as)
	}
	return x.send(r)
}

func (x *site) send(r *http.Request) reply {
	x.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return reply{Err: err}
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	out := reply{Header: resp.Header, Status: resp.StatusCode, Raw: string(raw), Err: err}
	if json.Unmarshal(raw, &out.Body) != nil && out.Err == nil && strings.Contains(resp.Header.Get("Content-Type"), "json") {
		out.Err = fmt.Errorf("body is no JSON: %q", raw)
	}
	return out
}

func (x *site) get(route, as string) reply {
	x.t.Helper()
	return x.do(http.MethodGet, route, as, nil)
}

func (x *site) post(route, as string, body any) reply {
	x.t.Helper()
	return x.do(http.MethodPost, route, as, body)
}

// sendMessage sends a message with chat.sendMessage.
func (x *site) sendMessage(as string, message object) reply {
	x.t.Helper()
	return x.post("chat.sendMessage", as, object{"message": message})
}

// say is Say that must succeed; a moment passes before it.
func (x *site) say(m rocketsim.Say) string {
	x.t.Helper()
	x.add(time.Millisecond)
	id, err := x.Say(m)
	must(x.t, err)
	return id
}

// in is what a person says in GENERAL.
func in(from, text string) rocketsim.Say {
	return rocketsim.Say{From: from, Room: "GENERAL", Text: text}
}

// ok wants a success.
func (r reply) ok(t *testing.T) reply {
	t.Helper()
	if r.Status != http.StatusOK || r.Err != nil || r.Body["success"] != true {
		t.Fatalf("got %d %v: %s", r.Status, r.Err, r.Raw)
	}
	return r
}

// refused wants a refusal with exactly these members of the body beside success.
func (r reply) refused(t *testing.T, status int, body object) reply {
	t.Helper()
	want := object{"success": false}
	for key, value := range body {
		want[key] = value
	}
	if r.Status != status || r.Err != nil || !reflect.DeepEqual(r.Body, want) {
		t.Fatalf("got %d %v: %s\nwant %d %v", r.Status, r.Err, r.Raw, status, want)
	}
	return r
}

// at walks into the body by keys and indexes.
func (r reply) at(path ...any) any {
	var v any = r.Body
	for _, step := range path {
		switch step := step.(type) {
		case string:
			o, _ := v.(map[string]any)
			v = o[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

// message is the body's message.
func (r reply) message() object { o, _ := r.at("message").(object); return o }

// ids are the _id of the rows at a path, in a line.
func (r reply) ids(path ...any) string {
	rows, _ := r.at(path...).([]any)
	var out []string
	for _, row := range rows {
		o, _ := row.(object)
		out = append(out, fmt.Sprint(o["_id"]))
	}
	return strings.Join(out, " ")
}

// texts are the msg of the rows at a path, in a line.
func (r reply) texts(path ...any) string {
	rows, _ := r.at(path...).([]any)
	var out []string
	for _, row := range rows {
		o, _ := row.(object)
		out = append(out, fmt.Sprint(o["msg"]))
	}
	return strings.Join(out, " ")
}

// count is how many messages of people a room has.
func (x *site) count(room string) int {
	n := 0
	for _, m := range x.Messages(room) {
		if m.Type == "" {
			n++
		}
	}
	return n
}

// versions are those that the simulator knows.
func versions() []int { return []int{7, 8, 9} }

func TestNewRefuses(t *testing.T) {
	for name, cfg := range map[string]rocketsim.Config{
		"version too old": {Version: 6},
		"version too new": {Version: 10},
		"rate above 1":    {Chaos: rocketsim.Chaos{Reset: 1.5}},
		"rates above 1":   {Chaos: rocketsim.Chaos{Reset: 0.6, Truncate: 0.6}},
		"negative rate":   {Chaos: rocketsim.Chaos{TooMany: -1}},
	} {
		if s, err := rocketsim.New(cfg); err == nil {
			s.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestPeopleAndRoomsAreChecked(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	for name, err := range map[string]error{
		"no username":      second(x.AddUser(rocketsim.User{ID: "x"})),
		"username taken":   second(x.AddUser(rocketsim.User{Username: "ann"})),
		"id taken":         second(x.AddUser(rocketsim.User{ID: "id-ann", Username: "x"})),
		"no room name":     second(x.AddRoom(rocketsim.Room{})),
		"room name taken":  second(x.AddRoom(rocketsim.Room{Name: "team"})),
		"room id taken":    second(x.AddRoom(rocketsim.Room{ID: "TEAM", Name: "x"})),
		"unknown member":   second(x.AddRoom(rocketsim.Room{Name: "x", Members: []string{"nobody"}})),
		"unknown type":     second(x.AddRoom(rocketsim.Room{Name: "x", Type: "q"})),
		"direct with name": second(x.AddRoom(rocketsim.Room{Name: "x", Type: rocketsim.Direct, Members: []string{"ann"}})),
		"direct with none": second(x.AddRoom(rocketsim.Room{Type: rocketsim.Direct})),
		"token of nobody":  second(x.IssueToken("nobody")),
		"revoke of nobody": x.RevokeTokens("nobody"),
		"roles of nobody":  x.SetRoles("nobody", "admin"),
		"join of nobody":   x.Join("nobody", "GENERAL"),
		"join of nowhere":  x.Join("ann", "nowhere"),
		"join of a direct": x.Join("ben", "id-annid-bot"),
		"edit of nothing":  x.EditAs("ann", "nothing", "x"),
		"nobody's edit":    x.EditAs("nobody", "nothing", "x"),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	x.Close()
	for name, err := range map[string]error{
		"user":   second(x.AddUser(rocketsim.User{Username: "new"})),
		"room":   second(x.AddRoom(rocketsim.Room{Name: "new"})),
		"say":    second(x.Say(in("ann", "x"))),
		"join":   x.Join("sue", "GENERAL"),
		"fill":   x.Fill(1, func(int) rocketsim.Filled { return rocketsim.Filled{From: "ann", Room: "GENERAL"} }),
		"upload": second(x.Upload(rocketsim.Upload{From: "ann", Room: "GENERAL", Name: "f"})),
	} {
		if err == nil {
			t.Errorf("%s after Close: accepted", name)
		}
	}
	if r := x.get("me", "ann"); r.Status != http.StatusServiceUnavailable {
		t.Errorf("request after Close: %d %v", r.Status, r.Err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestMessagesOfARoom(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	root := x.say(in("ann", "hello @ben and @nobody"))
	x.say(rocketsim.Say{From: "ben", Thread: root, Text: "yes", Show: true, Extra: object{"flavour": "sour"}})
	must(t, x.ReactAs("ben", root, "heart", true), x.ReactAs("ben", root, ":heart:", true), x.Leave("root", "GENERAL"))
	all := x.Messages("#general")
	var line []string
	for _, m := range all {
		line = append(line, m.From+":"+m.Type+":"+m.Text)
	}
	want := "ann:uj:ann ben:uj:ben bot:uj:bot root:uj:root ann::hello @ben and @nobody ben::yes root:ul:root"
	if got := strings.Join(line, " "); got != want {
		t.Errorf("room %s\nwant %s", got, want)
	}
	reply := x.Thread(root)[0]
	if reply.Thread != root || !reply.Show || reply.Extra["flavour"] != "sour" || reply.Room != "GENERAL" {
		t.Errorf("reply %+v", reply)
	}
	m, _ := x.Message(root)
	if m.Replies != 1 || !slices.Equal(m.Followers, []string{"id-ann", "id-ben"}) || !slices.Equal(m.Reactions[":heart:"], []string{"ben"}) {
		t.Errorf("root %+v", m)
	}
	if _, ok := x.Message("nothing"); ok || x.Messages("nowhere") != nil || len(x.Thread("nothing")) != 0 {
		t.Error("found what is not there")
	}
}
