package cometchat

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/sim"
)

func post(id event.ActionID, conversation event.ConversationID, said string) event.Action {
	return event.Action{ID: id, Type: event.Post, Bot: "echo", Text: said, Time: time.Now(), Thread: event.ThreadRef{Connection: "cc", Conversation: conversation}}
}

// drafted returns what is sent for an action, without sending it.
func drafted(t *testing.T, a event.Action) []Draft {
	t.Helper()
	s, err := newConnection(t, nil).sending(a)
	must(t, err)
	return s.parts
}

func TestDraftOfEverything(t *testing.T) {
	a := post("act-3", "group/crew", "look @ana")
	a.Mentions = []event.UserID{"ana"}
	a.Tags = []string{"t"}
	a.Metadata = json.RawMessage(`{"k":[1],"threadrelay":"mine"}`)
	a.Attachments = []event.MediaRef{{URL: "https://x.example/a/b.png?y=1", Size: 7}, {URL: "https://x.example/", Name: "c.jpg", MIMEType: "image/jpeg"}}
	a.Also = &event.Recipients{Users: []event.UserID{"Zoe"}, Groups: []event.ConversationID{"group/deck", "mast"}}
	got := jsonText(drafted(t, a))
	want := `[{"receiver":"crew","receiverType":"group","category":"message","type":"image","data":{"text":"look \u003c@uid:ana\u003e","attachments":[` +
		`{"url":"https://x.example/a/b.png?y=1","name":"b.png","mimeType":"image/png","extension":"png","size":7},` +
		`{"url":"https://x.example/","name":"c.jpg","mimeType":"image/jpeg","extension":"jpg"}],` +
		`"metadata":{"k":[1],"threadrelay":{"action":"act-3","bot":"echo"}}},` +
		`"multipleReceivers":{"uids":["zoe"],"guids":["deck","mast"]},"tags":["t"],"muid":"act-3"}]`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestDraftOfCustomContent(t *testing.T) {
	a := reply()
	a.Text, a.Custom = "here", &event.Custom{Kind: "location", Data: json.RawMessage(`{"lat":1}`)}
	d := drafted(t, a)[0]
	if d.Category != "custom" || d.Type != "location" || string(d.Data.CustomData) != `{"lat":1}` || d.Data.Text != "here" || d.MUID != "" {
		t.Errorf("%+v", d)
	}
	a.Custom.Data = json.RawMessage(`{"x":"` + strings.Repeat("x", maxData) + `"}`)
	_, err := newConnection(t, nil).Send(t.Context(), a)
	var f *relay.Failure
	if !errors.As(err, &f) || f.Kind != relay.Rejected || !strings.Contains(err.Error(), "custom content has") {
		t.Error(err)
	}
}

func TestMediaTypes(t *testing.T) {
	for want, types := range map[string][]string{
		"image": {"image/png", "image/jpeg"}, "video": {"video/mp4"}, "audio": {"audio/ogg"}, "file": {"image/png", "video/mp4"}, "file ": {"application/pdf"}, "file  ": {""},
	} {
		a := reply()
		a.Text = ""
		for _, typ := range types {
			a.Attachments = append(a.Attachments, event.MediaRef{URL: "https://x.example/f", MIMEType: typ})
		}
		if got := drafted(t, a)[0].Type; got != strings.TrimSpace(want) {
			t.Errorf("%v: %s", types, got)
		}
	}
}

func TestLongTextBecomesParts(t *testing.T) {
	a := reply()
	a.Text = strings.Repeat("All work and no play makes \"Jack\" a dull boy.\n", 700)
	a.Attachments = []event.MediaRef{{URL: "https://x.example/a.png"}}
	a.Metadata = json.RawMessage(`{"k":"` + strings.Repeat("v", 3000) + `"}`)
	a.Tags = []string{"t"}
	parts := drafted(t, a)
	var said strings.Builder
	for i, d := range parts {
		if size := dataSize(d.Data); size > maxData || i > 0 && i < len(parts)-1 && size < maxData/2 {
			t.Errorf("part %d has %d bytes", i, size)
		}
		if want := fmt.Sprintf(`{"action":"act-1","bot":"echo","part":%d}`, i+1); string(d.Data.Metadata[markerKey]) != want {
			t.Errorf("part %d: %s", i, d.Data.Metadata[markerKey])
		}
		if first := i == 0; (len(d.Data.Attachments) > 0) != first || (d.Type == "image") != first || (len(d.Data.Metadata) == 2) != first || len(d.Tags) != 1 {
			t.Errorf("part %d: %s", i, jsonText(d)[:200])
		}
		said.WriteString(d.Data.Text + "\n")
	}
	if strings.TrimSpace(said.String()) != strings.TrimSpace(a.Text) || len(parts) < 4 {
		t.Errorf("%d parts of %d bytes", len(parts), said.Len())
	}
}

func TestTooMuchBesideTheText(t *testing.T) {
	for _, said := range []string{"", "x"} {
		a := reply()
		a.Text = said
		a.Attachments = []event.MediaRef{{URL: "https://x.example/" + strings.Repeat("x", maxData)}}
		_, err := newConnection(t, func(cfg *Config) { cfg.HTTP = &http.Client{Transport: refusing{t}} }).Send(t.Context(), a)
		var f *relay.Failure
		if !errors.As(err, &f) || f.Kind != relay.Rejected || !strings.Contains(err.Error(), "attachments and metadata have") {
			t.Error(err)
		}
	}
}

// longText has enough for four parts.
func longText() string { return strings.TrimSpace(strings.Repeat("word after word, ", 2000)) }

// TestPartsGoOn has a text of several parts break off at each of them, and sends it again until it is there.
func TestPartsGoOn(t *testing.T) {
	for _, conversation := range []event.ConversationID{"group/crew", "user/zoe"} {
		for _, threaded := range []bool{false, true} {
			for _, fault := range []string{"500", "500-after", "reset", "lost-reply", "truncate", "429:1"} {
				t.Run(fmt.Sprintf("%s threaded %t %s", conversation, threaded, fault), func(t *testing.T) {
					s, conn := simulate(t, nil)
					a := post("act-9", conversation, longText())
					before := 0
					if threaded {
						to := sim.Say{From: "zoe", ToUser: "helper", Text: "go"}
						if conversation == "group/crew" {
							to.ToUser, to.ToGroup = "", "crew"
						}
						a.Type, a.Thread.Root = event.Reply, event.MessageID(say(t, s, to).ID)
						before = 1
					}
					want := len(drafted(t, a))
					attempts := 0
					var receipt event.Receipt
					for err := errors.New("not yet"); err != nil && attempts < 20; attempts++ {
						if attempts%2 == 0 && attempts < 2*want {
							must(t, s.Break(fault, 1))
						}
						receipt, err = conn.Send(t.Context(), a)
					}
					var got []event.MessageID
					var said []string
					for _, m := range s.Messages()[before:] {
						got = append(got, event.MessageID(m.ID))
						said = append(said, m.Text)
					}
					if len(got) != want || !slices.Equal(receipt.Parts, got) || receipt.Message != got[0] || receipt.Time.IsZero() {
						t.Errorf("want %d parts, got %v in %d attempts, receipt %+v", want, got, attempts, receipt)
					}
					if strings.Join(said, " ") != a.Text {
						t.Error("the parts are in another order")
					}
				})
			}
		}
	}
}

func TestPartsAreFound(t *testing.T) {
	s, conn := simulate(t, nil)
	a := post("act-9", "group/crew", longText())
	since := time.Now().Add(-time.Minute)
	if _, found, err := conn.Find(t.Context(), a, since); found || err != nil {
		t.Errorf("%t, %v", found, err)
	}
	want, err := conn.Send(t.Context(), a)
	must(t, err)
	for range 250 { // so that they are not on the newest page
		say(t, s, sim.Say{From: "helper", ToGroup: "crew", Text: "x"})
	}
	got, found, err := conn.Find(t.Context(), a, since)
	if !found || err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %t, %v; want %+v", got, found, err, want)
	}
	must(t, s.Delete("helper", string(want.Parts[1]))) // of which the marker stays or goes: one part less, or not, is no crash
	if _, _, err := conn.Find(t.Context(), a, since); err != nil {
		t.Error(err)
	}
	if _, found, err := conn.Find(t.Context(), a, time.Now().Add(time.Hour)); found || err != nil {
		t.Errorf("%t, %v: it is older than that", found, err)
	}
}

func TestFindAfterAnUnknownOutcome(t *testing.T) {
	for _, conversation := range []event.ConversationID{"group/crew", "user/zoe", "users/ana+zoe"} {
		s, conn := simulate(t, nil)
		a := post("act-1", conversation, "hello")
		if conversation == "users/ana+zoe" {
			a.As = "ana"
		}
		must(t, s.Break("lost-reply", 1))
		_, err := conn.Send(t.Context(), a)
		var f *relay.Failure
		if !errors.As(err, &f) || f.Kind != relay.Temporary {
			t.Fatal(err)
		}
		r, found, err := conn.Find(t.Context(), a, time.Now().Add(-time.Minute))
		if !found || err != nil || string(r.Message) != s.Messages()[0].ID || r.Action != "act-1" || r.Parts != nil {
			t.Errorf("%+v, %t, %v", r, found, err)
		}
		other := a
		other.ID = "act-2"
		if _, found, err := conn.Find(t.Context(), other, time.Now().Add(-time.Minute)); found || err != nil {
			t.Errorf("%t, %v", found, err)
		}
	}
}

func TestFindInAThreadThatIsGone(t *testing.T) {
	_, conn := simulate(t, nil)
	_, found, err := conn.Find(t.Context(), reply(), time.Time{})
	var f *relay.Failure
	if found || !errors.As(err, &f) || f.Kind != relay.RootGone {
		t.Errorf("%t, %v", found, err)
	}
}
