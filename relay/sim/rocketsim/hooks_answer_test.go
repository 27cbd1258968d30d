package rocketsim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func TestAnswersArePosted(t *testing.T) {
	for name, c := range map[string]struct {
		in       rocketsim.Integration
		said     said
		want     string // sender, alias, text, room
		thread   bool
		unposted string
	}{
		"text":          {said: said{200, "application/json; charset=utf-8", `{"text":" on it "}`}, want: "rocket.cat||on it|GENERAL"},
		"in the thread": {said: said{200, "application/json", `{"text":"on it","tmid":"ROOT"}`}, want: "rocket.cat||on it|GENERAL", thread: true},
		"as a script":   {said: said{201, "text/javascript", `{"text":"x"}`}, want: "rocket.cat||x|GENERAL"},
		"alias":         {said: said{200, "application/json", `{"text":"x","alias":"Max"}`}, want: "rocket.cat|Max|x|GENERAL"},
		"alias of the integration": {
			in: rocketsim.Integration{Alias: "Ops"}, said: said{200, "application/json", `{"text":"x"}`}, want: "rocket.cat|Ops|x|GENERAL",
		},
		"attachments": {said: said{200, "application/json", `{"attachments":[{"text":"a"}]}`}, want: "rocket.cat|||GENERAL"},
		"to a channel": {
			in: rocketsim.Integration{Username: "bot"}, said: said{200, "application/json", `{"text":"x","channel":"#team"}`}, want: "bot||x|TEAM",
		},
		"to the integration's room": {
			in: rocketsim.Integration{Username: "bot", TargetRoom: "#team"}, said: said{200, "application/json", `{"text":"x"}`}, want: "bot||x|TEAM",
		},
		"as the author": {
			in: rocketsim.Integration{ImpersonateUser: true}, said: said{200, "application/json", `{"text":"x"}`}, want: "ann||x|GENERAL",
		},
		"another name without the permission": {
			in: rocketsim.Integration{Username: "ben"}, said: said{200, "application/json", `{"text":"x","alias":"Max"}`}, unposted: "Not enough permission",
		},
		"into a private room of others": {
			said: said{200, "application/json", `{"text":"x","channel":"#team"}`}, unposted: "error-not-allowed",
		},
		"to nowhere":         {said: said{200, "application/json", `{"text":"x","channel":"#nowhere"}`}, unposted: "no such room"},
		"no JSON type":       {said: said{200, "text/plain", `{"text":"x"}`}},
		"broken JSON":        {said: said{200, "application/json", `{"text":"x"`}},
		"no object":          {said: said{200, "application/json", `["text"]`}},
		"nothing to say":     {said: said{200, "application/json", `{"text":"","tmid":"ROOT"}`}},
		"acknowledged":       {said: said{200, "application/json", `{}`}},
		"a failure's answer": {said: said{400, "application/json", `{"text":"x"}`}},
	} {
		t.Run(name, func(t *testing.T) {
			x := newSite(t, rocketsim.Config{})
			root := x.say(rocketsim.Say{From: "ann", Room: "GENERAL", Text: "hello", ID: "ROOT"})
			rec := newReceiver(t, func(n int, _ object) said {
				if n > 0 {
					return fine() // what was posted fires the webhook again
				}
				return c.said
			})
			c.in.URLs = []string{rec.URL}
			made := x.hook(c.in)
			asked := x.say(in("ann", "help"))
			first := x.settled()[0]
			if first.MessageID != asked || c.unposted == "" && first.Unposted != "" || !strings.Contains(first.Unposted, c.unposted) {
				t.Fatalf("first %+v", first)
			}
			m, posted := x.Message(first.Posted)
			if posted != (c.want != "") {
				t.Fatalf("posted %v: %+v", posted, m)
			}
			if !posted {
				return
			}
			if got := strings.Join([]string{m.From, m.Alias, m.Text, m.Room}, "|"); got != c.want || (m.Thread == root) != c.thread {
				t.Errorf("posted %s in thread %q", got, m.Thread)
			}
			if got := fmt.Sprint(m.Bot); got != "map[i:"+made.ID+"]" {
				t.Errorf("bot %s", got)
			}
			if c.thread && len(x.Thread(root)) != 1 {
				t.Errorf("thread %+v", x.Thread(root))
			}
		})
	}
}

// TestAnswersFireAgain is the loop that a careless webhook makes (Rocket.Chat issue 14723).
func TestAnswersFireAgain(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	rec := newReceiver(t, func(n int, body object) said {
		if n == 3 {
			return fine()
		}
		return said{200, "application/json", fmt.Sprintf(`{"text":"%s!"}`, body["text"])}
	})
	x.hook(rocketsim.Integration{URLs: []string{rec.URL}})
	x.say(in("ann", "echo"))
	if got := x.texts(rec); got != "echo echo! echo!! echo!!!" {
		t.Errorf("told %q", got)
	}
	if calls := rec.calls(); calls[0]["bot"] != false || calls[1]["bot"] != true || calls[1]["user_name"] != "rocket.cat" {
		t.Errorf("calls %v", calls)
	}
}
