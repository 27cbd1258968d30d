package cometchat

import (
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
)

func TestReactions(t *testing.T) {
	c := newConnection(t, nil)
	get := func(trigger, fields string) event.Event {
		return receiveOne(t, c, []byte(`{"trigger":"message_reaction_`+trigger+`","data":{"reaction":{"messageId":"7",`+fields+`}}}`))
	}
	tests := []struct {
		name, trigger, fields string
		id                    event.ID
		emoji                 string
		by                    event.User
	}{
		{"added", "added", `"id":"3","reaction":"⚓","uid":"ANA","reactedAt":9`, "reaction-added:3-9", "⚓", event.User{ID: "ana"}},
		{"numbers", "added", `"id":3,"reaction":"⚓","uid":12,"reactedAt":"9"`, "reaction-added:3-9", "⚓", event.User{ID: "12"}},
		{"removed", "removed", `"id":"3","reaction":"⚓","uid":"ana","reactedAt":9`, "reaction-removed:3-9", "⚓", event.User{ID: "ana"}},
		{"again", "added", `"id":"3","reaction":"⚓","uid":"ana","reactedAt":10`, "reaction-added:3-10", "⚓", event.User{ID: "ana"}},
		{"without an id", "added", `"reaction":"⚓","uid":"ana","reactedAt":9`, "reaction-added:47101c7341b065c0-9", "⚓", event.User{ID: "ana"}},
		{"with an id of its own", "added", `"id":"<reactionId>","reaction":"⚓","uid":"ana","reactedAt":9`, "reaction-added:47101c7341b065c0-9", "⚓", event.User{ID: "ana"}},
		{"without a time", "added", `"id":{},"reaction":":tada:","uid":"ana"`, "reaction-added:5417cc8f52d8a431-0", ":tada:", event.User{ID: "ana"}},
		{"by", "added", `"id":"3","reaction":"⚓","reactedAt":9,"reactedBy":{"uid":"ana","name":"Ana","avatar":"https://u:p@h/a"}`, "reaction-added:3-9", "⚓",
			event.User{ID: "ana", Name: "Ana", Avatar: "https://[removed]@h/a"}},
		{"by without sense", "added", `"id":"3","reaction":"⚓","uid":"ana","reactedAt":9,"reactedBy":[]`, "reaction-added:3-9", "⚓", event.User{ID: "ana"}},
		{"by the system", "added", `"id":"3","reaction":"⚓","uid":"app_system","reactedAt":9`, "reaction-added:3-9", "⚓", event.User{ID: "app_system", System: true}},
		{"the key in it", "added", `"id":"3","reaction":"` + testKey + `","uid":"ana","reactedAt":9`, "reaction-added:3-9", "[removed]", event.User{ID: "ana"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := get(tt.trigger, tt.fields)
			if want := "cometchat:app1:7:" + tt.id + ":incomplete"; e.ID != want {
				t.Errorf("id %s, want %s", e.ID, want)
			}
			if want := (event.Reaction{Message: "7", Emoji: tt.emoji, By: tt.by}); *e.Reaction != want {
				t.Errorf("got %+v, want %+v", *e.Reaction, want)
			}
			if !e.Incomplete || e.Message != nil || e.Thread != (event.ThreadRef{Connection: "cc", Conversation: "message/7"}) {
				t.Errorf("%+v", e)
			}
		})
	}
}
