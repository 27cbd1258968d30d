package rocketsim_test

import (
	"net/url"
	"testing"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

func TestPagePanelOfFaults(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	form := func(fault, times string) url.Values {
		return url.Values{"as": {"ann"}, "room": {"TEAM"}, "fault": {fault}, "times": {times}}
	}
	script := map[string]string{"X-Live": "1"}
	const idle = "No webhooks · Nobody on the realtime API"
	broken := " Server error, but it is done 2 times more Delivered twice once more Event lost until cleared Clear"
	for _, c := range []struct {
		name, path string
		form       url.Values
		header     map[string]string
		status     int
		shown      string
	}{
		{"break", "break", form("500-after", "2"), nil, 303, " Server error, but it is done 2 times more Clear"},
		{"another", "break", form("dup", "1"), script, 204, " Server error, but it is done 2 times more Delivered twice once more Clear"},
		{"a third", "break", form("event-lost", "0"), script, 204, broken},
		{"unknown", "break", form("flood", "1"), nil, 422, broken},
		{"how often", "break", form("500", "often"), script, 422, broken},
		{"too often", "break", form("500", "1001"), script, 422, broken},
		{"from another site", "break", form("500", "1"), map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, broken},
		{"mend", "mend", form("", ""), nil, 303, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := x.visit("/page/"+c.path, c.form, c.header)
			if got.Status != c.status {
				t.Errorf("got %d: %s", got.Status, got.Raw)
			}
			if to := got.Get("Location"); c.status == 303 && to != "/?as=ann&room=TEAM#faults" {
				t.Errorf("on to %q", to)
			}
			if _, words := element(t, x.visit("/?as=ann", nil, nil).Raw, "faults"); words != idle+c.shown {
				t.Errorf("the panel shows %q, want %q", words, idle+c.shown)
			}
		})
	}
	x.Inject(rocketsim.Fault{Status: 500})
	x.InjectDelivery(rocketsim.DeliveryFault{Drop: true, Times: 3})
	x.hook(rocketsim.Integration{URLs: []string{"http://relay.test/"}, Disabled: true})
	w := x.online("ann")
	want := "0 of 1 webhooks on · 1 realtime connection Set by a program until cleared Set by a program 3 times more Clear"
	if _, words := element(t, x.visit("/?as=ann", nil, nil).Raw, "faults"); words != want {
		t.Errorf("the panel shows %q, want %q", words, want)
	}
	w.quiet()
}

// TestEveryChoiceOfThePanelIsAFault compares what the panel offers with what Break takes.
func TestEveryChoiceOfThePanelIsAFault(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	node, _ := element(t, x.visit("/", nil, nil).Raw, "fault")
	if node == nil {
		t.Fatal("no choice of faults")
	}
	n := 0
	for d := range node.Descendants() {
		if d.Data == "option" {
			n++
			must(t, x.Break(d.Attr[0].Val, 1))
		}
	}
	if n < 20 {
		t.Errorf("%d faults are offered", n)
	}
}
