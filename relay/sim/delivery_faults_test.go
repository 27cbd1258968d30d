package sim_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim"
)

// delivered says three words in one conversation and gives the messages whose webhooks came, in their order.
func delivered(t *testing.T, a *app, n int) string {
	t.Helper()
	for _, words := range []string{"1", "2", "3"} {
		a.say(sim.Say{From: "ann", ToUser: "bot", Text: words})
	}
	var ids []any
	for _, d := range a.awaitAttempts(n) {
		ids = append(ids, d.MessageID)
	}
	return fmt.Sprint(ids)
}

func TestDeliveryFaults(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault sim.DeliveryFault
		n     int
		want  string
	}{
		{"dropped", sim.DeliveryFault{Drop: true, Times: 1}, 2, "[2 3]"},
		{"twice", sim.DeliveryFault{Duplicate: true, Times: 2}, 5, "[1 1 2 2 3]"},
		{"behind the next", sim.DeliveryFault{Reorder: true, Times: 1}, 3, "[2 1 3]"},
		{"two behind the next", sim.DeliveryFault{Reorder: true, Times: 2}, 3, "[3 1 2]"},
		{"another webhook", sim.DeliveryFault{Webhook: "v", Drop: true}, 3, "[1 2 3]"},
		{"another trigger", sim.DeliveryFault{Trigger: "message_edited", Drop: true}, 3, "[1 2 3]"},
		{"one message", sim.DeliveryFault{MessageID: "2", Trigger: "message_sent", Webhook: "w", Drop: true}, 2, "[1 3]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := newApp(t, sim.CometChatConfig{})
			h := newHook(t, nil)
			a.hook(sim.Webhook{ID: "w", URL: h.URL})
			a.InjectDelivery(c.fault)
			if got := delivered(t, a, c.n); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestDelayedDelivery(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{Speed: 1000})
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	a.InjectDelivery(sim.DeliveryFault{Delay: time.Hour, Times: 1}) // 3.6 s, which the test does not wait for
	a.InjectDelivery(sim.DeliveryFault{Delay: 10 * time.Second, Times: 1})
	if got := delivered(t, a, 2); got != "[3 2]" {
		t.Errorf("got %s", got)
	}
	a.InjectDelivery(sim.DeliveryFault{Drop: true})
	a.ClearFaults()
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "4"})
	if d := a.awaitAttempts(3)[2]; d.MessageID != "4" {
		t.Errorf("after clearing %+v", d)
	}
}

func TestReorderedDeliveryComesAloneAtLast(t *testing.T) {
	a := newApp(t, sim.CometChatConfig{Speed: 500})
	h := newHook(t, nil)
	a.hook(sim.Webhook{ID: "w", URL: h.URL})
	a.InjectDelivery(sim.DeliveryFault{Reorder: true})
	a.say(sim.Say{From: "ann", ToUser: "bot", Text: "alone"})
	if d := a.awaitAttempts(1)[0]; d.MessageID != "1" || d.Status != 200 {
		t.Errorf("got %+v", d)
	}
}

// TestRetriesComeWhenTheDocumentsSay runs on a clock of its own, in which nothing answers.
func TestRetriesComeWhenTheDocumentsSay(t *testing.T) {
	for speed, want := range map[float64]string{0: "[10s 40s]", 10: "[1s 4s]"} {
		synctest.Test(t, func(t *testing.T) {
			s, err := sim.NewCometChat(sim.CometChatConfig{APIKey: key, Speed: speed})
			must(t, err)
			defer s.Close()
			must(t, s.AddUser(sim.User{UID: "ann"}), s.AddUser(sim.User{UID: "ben"}))
			must(t, s.AddWebhook(sim.Webhook{ID: "w", URL: "http://127.0.0.1:0/refused", RetryOnFailure: true}))
			start := time.Now()
			_, err = s.Say(sim.Say{From: "ann", ToUser: "ben", Text: "x"})
			must(t, err)
			var at []any
			for n := 2; n <= 3; n++ {
				must(t, s.AwaitDeliveries(t.Context(), func(d []sim.Delivery) bool { return len(d) >= n }))
				at = append(at, time.Since(start).Round(time.Second))
			}
			if fmt.Sprint(at) != want {
				t.Errorf("speed %g: retries at %v, want %s", speed, at, want)
			}
		})
	}
}
