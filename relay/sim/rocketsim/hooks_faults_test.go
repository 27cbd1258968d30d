package rocketsim_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// ordered are the texts that a webhook was told, in order, when it is told nothing more.
func (x *site) ordered(rec *receiver) string {
	x.t.Helper()
	x.settled()
	var texts []string
	for _, b := range rec.calls() {
		texts = append(texts, fmt.Sprint(b["text"]))
	}
	return strings.Join(texts, " ")
}

func TestDeliveryFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault rocketsim.DeliveryFault
		want  string
	}{
		"none":                 {rocketsim.DeliveryFault{MessageID: "9"}, "1 2 3"},
		"dropped":              {rocketsim.DeliveryFault{Drop: true, Times: 1}, "2 3"},
		"all dropped":          {rocketsim.DeliveryFault{Drop: true}, ""},
		"twice":                {rocketsim.DeliveryFault{Duplicate: true, Times: 2}, "1 1 2 2 3"},
		"behind the next":      {rocketsim.DeliveryFault{Reorder: true, Times: 1}, "2 1 3"},
		"two behind the next":  {rocketsim.DeliveryFault{Reorder: true, Times: 2}, "3 1 2"},
		"later":                {rocketsim.DeliveryFault{Delay: 30 * time.Second, Times: 1}, "2 3 1"},
		"one message":          {rocketsim.DeliveryFault{MessageID: "m2", Event: "sendMessage", Drop: true}, "1 3"},
		"another integration":  {rocketsim.DeliveryFault{Integration: "other", Drop: true}, "1 2 3"},
		"this integration":     {rocketsim.DeliveryFault{Integration: "i1", Drop: true}, ""},
		"another event":        {rocketsim.DeliveryFault{Event: "fileUploaded", Drop: true}, "1 2 3"},
		"shuffled":             {rocketsim.DeliveryFault{Shuffle: 3, Times: 3}, "3 1 2"},
		"shuffled but too few": {rocketsim.DeliveryFault{Shuffle: 4}, "1 2 3"},
	} {
		t.Run(name, func(t *testing.T) {
			x := newSite(t, rocketsim.Config{Speed: 300, Hooks: rocketsim.HooksConfig{Seed: 1}})
			rec := newReceiver(t, nil)
			x.hook(rocketsim.Integration{ID: "i1", URLs: []string{rec.URL}})
			x.InjectDelivery(c.fault)
			for _, text := range []string{"1", "2", "3"} {
				x.say(rocketsim.Say{From: "ann", Room: "GENERAL", Text: text, ID: "m" + text})
			}
			if got := x.ordered(rec); got != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
		})
	}
}

func TestHeldDeliveriesComeAloneAtLast(t *testing.T) {
	for name, fault := range map[string]rocketsim.DeliveryFault{"reordered": {Reorder: true}, "shuffled": {Shuffle: 9}} {
		synctest.Test(t, func(t *testing.T) {
			s, told := bubble(t, rocketsim.Config{})
			s.InjectDelivery(fault)
			start := time.Now()
			_, err := s.Say(rocketsim.Say{From: "rocket.cat", Room: "GENERAL", Text: "alone"})
			must(t, err, s.AwaitHooks(t.Context()))
			if took := time.Since(start); took != 5*time.Second || len(told()) != 1 {
				t.Errorf("%s: %d calls after %v", name, len(told()), took)
			}
			s.Close()
		})
	}
}

// bubble is a server without a network, with one integration; told lists when it was called.
func bubble(t *testing.T, cfg rocketsim.Config) (s *rocketsim.Server, told func() []time.Time) {
	t.Helper()
	var mu sync.Mutex
	var at []time.Time
	cfg.Hooks.Transport = carrier(func(*http.Request) (*http.Response, error) {
		mu.Lock()
		defer mu.Unlock()
		at = append(at, time.Now())
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: http.NoBody}, nil
	})
	s, err := rocketsim.New(cfg)
	must(t, err)
	_, err = s.AddIntegration(rocketsim.Integration{URLs: []string{"http://relay.test/"}})
	must(t, err)
	return s, func() []time.Time {
		mu.Lock()
		defer mu.Unlock()
		return append([]time.Time(nil), at...)
	}
}

func TestTextsAndNamesBreakDeliveries(t *testing.T) {
	x := newSite(t, rocketsim.Config{Speed: 100})
	rec := newReceiver(t, nil)
	x.hook(rocketsim.Integration{URLs: []string{rec.URL}})
	x.say(in("ann", "[dup] a"))
	x.say(in("ann", "[drop][500] b"))
	x.say(in("ann", "[drop b"))
	must(t, x.Break("drop", 1))
	x.say(in("ann", "c"))
	must(t, x.Break("shuffle:2", 1), x.Break("dup", 0))
	x.say(in("ann", "d"))
	x.say(in("ann", "e"))
	x.say(in("ann", "f"))
	if got := x.texts(rec); got != "[drop b [dup] a [dup] a d e f f" {
		t.Errorf("told %q", got)
	}
	x.ClearFaults()
	x.say(in("ann", "g"))
	if got := x.texts(rec); !strings.HasSuffix(got, " g") {
		t.Errorf("after clearing %q", got)
	}
	for _, name := range []string{"dup:1", "delay", "delay:-1", "delay:soon", "shuffle", "delay:4000", "lose", "", "drop:"} {
		if x.Break(name, 1) == nil {
			t.Errorf("there is a fault %q", name)
		}
	}
}

// TestOrderOfCalls lets every call wait until others have begun beside it, or none has.
func TestOrderOfCalls(t *testing.T) {
	for _, unordered := range []bool{false, true} {
		x := newSite(t, rocketsim.Config{Hooks: rocketsim.HooksConfig{Unordered: unordered}})
		var mu sync.Mutex
		running, most := 0, 0
		three := make(chan struct{})
		rec := newReceiver(t, func(n int, body object) said {
			mu.Lock()
			running++
			most = max(most, running)
			if running == 3 {
				close(three)
			}
			mu.Unlock()
			if unordered {
				<-three
			}
			mu.Lock()
			running--
			mu.Unlock()
			return fine()
		})
		x.hook(rocketsim.Integration{URLs: []string{rec.URL}})
		for i := range 3 {
			x.say(in("ann", fmt.Sprint(i)))
		}
		got := x.ordered(rec)
		if unordered && most != 3 || !unordered && (most != 1 || got != "0 1 2") {
			t.Errorf("unordered %v: %d at once, in the order %s", unordered, most, got)
		}
	}
}

// TestRoomsDoNotWaitForOneAnother calls a webhook for one room while another room's call hangs.
func TestRoomsDoNotWaitForOneAnother(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	release := make(chan struct{})
	rec := newReceiver(t, func(_ int, body object) said {
		if body["text"] == "slow" {
			<-release
		}
		return fine()
	})
	x.hook(rocketsim.Integration{URLs: []string{rec.URL}, Channel: []string{"#general", "#team"}})
	x.say(in("ann", "slow"))
	x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "quick"})
	x.deliveries(1)
	close(release)
	x.settled()
	if d := x.Deliveries(); d[0].MessageID == d[1].MessageID || len(d) != 2 {
		t.Errorf("deliveries %+v", d)
	}
}

func TestEveryAddressIsCalled(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	one, two, three := newReceiver(t, nil), newReceiver(t, nil), newReceiver(t, nil)
	x.hook(rocketsim.Integration{URLs: []string{one.URL, two.URL}})
	x.hook(rocketsim.Integration{URLs: []string{three.URL}, Token: "other"})
	x.say(in("ann", "hello"))
	x.settled()
	for i, rec := range []*receiver{one, two, three} {
		if calls := rec.calls(); len(calls) != 1 || (calls[0]["token"] == "other") != (i == 2) {
			t.Errorf("address %d: %v", i, calls)
		}
	}
}

// TestCloseDropsWhatIsOnItsWay closes while calls hang, wait, are held back and wait for their next attempt.
func TestCloseDropsWhatIsOnItsWay(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	began := make(chan struct{}, 9)
	rec := newReceiver(t, func(_ int, body object) said {
		began <- struct{}{}
		if strings.HasPrefix(body["text"].(string), "again") {
			return said{503, "text/plain", "x"}
		}
		<-x.t.Context().Done()
		return fine()
	})
	x.hook(rocketsim.Integration{URLs: []string{rec.URL}, RetryFailedCalls: true, RetryDelay: "powers-of-two"})
	for _, text := range []string{"again", "[delay:60] x", "[reorder] x", "[shuffle:3] x", "hangs", "waits"} {
		x.say(in("ann", text))
	}
	<-began
	<-began
	x.Close()
	if err := x.AwaitHooks(within(t)); err == nil {
		t.Error("AwaitHooks succeeds after Close")
	}
}
