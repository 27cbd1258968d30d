package sim_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim"
)

func TestPagePanelOfFaults(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	at := a.pageServer()
	form := func(fault, times string) url.Values {
		return url.Values{"as": {"ann"}, "with": {"user/bot"}, "fault": {fault}, "times": {times}}
	}
	script := map[string]string{"X-Live": "1"}
	for _, c := range []struct {
		name, path string
		form       url.Values
		header     map[string]string
		status     int
		shown      string // in the list of what goes wrong
	}{
		{"break", "/break", form("500-after", "2"), nil, 303, "Server error, but it is done 2 times more Clear"},
		{"break by script", "/break", form("dup", "1"), script, 204, "Server error, but it is done 2 times more Delivered twice once more Clear"},
		{"unknown", "/break", form("flood", "1"), nil, 422, "Server error, but it is done 2 times more Delivered twice once more Clear"},
		{"how often", "/break", form("500", "often"), script, 422, "Server error, but it is done 2 times more Delivered twice once more Clear"},
		{"from another site", "/break", form("500", "1"), map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, "Server error, but it is done 2 times more Delivered twice once more Clear"},
		{"too large", "/mend", form(strings.Repeat("x", 70000), "1"), nil, 400, "Server error, but it is done 2 times more Delivered twice once more Clear"},
		{"mend", "/mend", form("", ""), nil, 303, ""},
		{"until cleared", "/break", form("429:10", "0"), script, 204, "Too many requests, wait 10 s until cleared Clear"},
		{"mend by script", "/mend", form("", ""), script, 204, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := visit(t, "POST", at+c.path, c.form, c.header)
			if res.StatusCode != c.status {
				t.Errorf("got %d: %s", res.StatusCode, body)
			}
			if to := res.Header.Get("Location"); c.status == 303 && to != "./?as=ann&with=user%2Fbot#faults" {
				t.Errorf("on to %q", to)
			}
			_, page := visit(t, "GET", at+"/?as=ann&with=user/bot", nil, nil)
			if _, words := find(t, page, "faults"); words != c.shown {
				t.Errorf("the panel shows %q, want %q", words, c.shown)
			}
		})
	}
}

func TestPageShowsFaultsOfProgramsAndTexts(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	at := a.pageServer()
	a.Inject(sim.Fault{Status: 500})
	a.InjectDelivery(sim.DeliveryFault{Drop: true, Times: 3})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "[500] x"})
	_, page := visit(t, "GET", at+"/?as=ann&with=user/bot", nil, nil)
	if _, words := find(t, page, "faults"); words != "Set by a program until cleared [500] of message 1 once more Set by a program 3 times more Clear" {
		t.Errorf("the panel shows %q", words)
	}
}

// TestEveryChoiceOfThePanelIsAFault compares what the panel offers with what Break takes.
func TestEveryChoiceOfThePanelIsAFault(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{})
	_, page := visit(t, "GET", a.pageServer()+"/", nil, nil)
	node, _ := find(t, page, "fault")
	if node == nil {
		t.Fatal("no choice of faults")
	}
	n := 0
	for d := range node.Descendants() {
		if d.Data != "option" {
			continue
		}
		n++
		if err := a.Break(d.Attr[0].Val, 1); err != nil {
			t.Error(err)
		}
	}
	if n < 10 {
		t.Errorf("%d faults are offered", n)
	}
}
