package relaytest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// variant is a kind of fake platform.
type variant struct {
	can      event.Capabilities
	promises []Interface
	tells    []event.Type
	// hide returns the connection with the promised interfaces alone.
	hide func(f *fake) any
}

// marker is a platform that can do all, native one that recognises repeats and can do less, and plain one that can do little.
func marker() variant {
	return variant{
		can: event.Capabilities{
			TextLimit: 60, TextUnit: "rune", Edit: true, Delete: true, React: true, Identity: event.Ghosts, Idempotence: event.ByMarker,
			Budgets: []event.Budget{{Scope: "connection", N: 10, Per: time.Minute}},
		},
		promises: interfaces(),
		tells:    []event.Type{event.MessageCreated, event.MessageEdited, event.MessageDeleted, event.ReactionAdded, event.ReactionRemoved},
		hide:     func(f *fake) any { return f },
	}
}

func native() variant {
	type conn struct {
		relay.Receiver
		relay.Sender
		relay.Members
		relay.Poller
		relay.Reader
		relay.Prober
		relay.Capable
	}
	return variant{
		can:      event.Capabilities{TextLimit: 60, TextUnit: "rune", Edit: true, Identity: event.Alias, Idempotence: event.Native},
		promises: []Interface{Receiver, Sender, Members, Poller, Reader, Prober, Capable},
		tells:    []event.Type{event.MessageCreated, event.MessageEdited, event.MessageDeleted},
		hide:     func(f *fake) any { return conn{f, f, f, f, f, f, f} },
	}
}

func plain() variant {
	type conn struct {
		relay.Receiver
		relay.Sender
		relay.Capable
	}
	return variant{
		can:      event.Capabilities{TextLimit: 60, TextUnit: "rune", Identity: event.NoIdentity, Idempotence: event.NoIdempotence},
		promises: []Interface{Receiver, Sender, Capable},
		tells:    []event.Type{event.MessageCreated},
		hide:     func(f *fake) any { return conn{f, f, f} },
	}
}

// platform describes the fake platform with a flaw; without one, all is well.
func (v variant) platform(flaw string) Platform {
	p := Platform{
		Name: "fake", Connection: "fk", Promises: v.promises,
		Secrets: []Secret{{Name: "key", Value: fakeKey, Known: true}, {Name: "hook", Value: fakeHook}},
		NewStage: func(_ testing.TB, c StageConfig) Stage {
			w := newWorld(c)
			w.native = v.can.Idempotence == event.Native && flaw != "does not recognise repeats"
			return w
		},
		Connect: func(t testing.TB, at Address) any { return v.hide(v.connect(t, flaw, at)) },
		Tells:   Tells{Hooks: v.tells, Polls: []event.Type{event.MessageCreated, event.MessageEdited, event.MessageDeleted}},
		Hook:    Hook{Sign: signFake, Forged: forgeFake, Unknown: []string{`[]`, `{}`, `"` + SecretPlace + `"`, `{"Message":{"Text":"` + SecretPlace + `"}}`}},
		Golden:  goldenFake(flaw),
		Verdicts: Verdicts{Refuse: refuseFake, Codes: []string{"gone", "busy", "no_user"}, Want: func(r Refusal) relay.Kind {
			return fakeKind(r.Call, r.Status, r.Code)
		}},
		Broken: []Broken{
			{"wrong key", func(t testing.TB, _ Stage, at Address) any {
				f := v.connect(t, flaw, at)
				f.key = "another key"
				return f
			}},
			{"nobody there", func(t testing.TB, _ Stage, at Address) any {
				at.URL = "http://127.0.0.1:1"
				return v.connect(t, flaw, at)
			}},
		},
	}
	return p
}

func (v variant) connect(t testing.TB, flaw string, at Address) *fake {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	ended := make(chan struct{})
	t.Cleanup(func() { close(ended) })
	f := &fake{ended: ended, url: at.URL, key: fakeKey, closed: at.ClosedHook, flaw: flaw, can: v.can, http: &http.Client{Transport: transport}}
	if flaw != "follows redirects" {
		f.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	return f
}

func forgeFake(body []byte) map[string]Call {
	calls := map[string]Call{"none": {Header: http.Header{}, Body: body}}
	for why, value := range map[string]string{"wrong": "x", "half": fakeHook[:5], "longer": fakeHook + "x"} {
		calls[why] = Call{Header: http.Header{"X-Hook": {value}}, Body: body}
	}
	return calls
}

func refuseFake(_ int, code, message string) (string, []byte) {
	body, err := json.Marshal(map[string]any{"Error": map[string]string{"Code": code, "Message": message}})
	if err != nil {
		panic(err)
	}
	return "application/json", body
}

// goldenFake is a payload of the fake platform, with the event that it makes.
func goldenFake(flaw string) Golden {
	body := []byte(`{"Seq":1,"Type":"created","At":1700000000,"Message":{"ID":7,"Conversation":"group/eng","Sender":"ann","Name":"Ann","Text":"hi"}}`)
	want := `[
  {
    "version": 1,
    "id": "fake:7:created",
    "type": "chat.message.created",
    "time": "2023-11-14T22:13:20Z",
    "platform": "fake",
    "thread": {
      "connection": "fk",
      "conversation": "group/eng",
      "root": "7"
    },
    "self": "bot",
    "trigger": "created",
    "message": {
      "id": "7",
      "sender": {
        "id": "ann",
        "name": "Ann"
      },
      "kind": "text",
      "text": "hi"
    }
  }
]
`
	if flaw == "has other golden files" {
		want = strings.Replace(want, "hi", "ho", 1)
	}
	return Golden{
		Payloads: map[string][]byte{"created.json": body},
		Want:     func(string) ([]byte, error) { return bytes.Clone([]byte(want)), nil },
	}
}

// changesAll takes every request for one that changes something.
func changesAll(*http.Request) bool { return true }

// sourced makes stages with a source that connections do not know.
func sourced(stage func(testing.TB, StageConfig) Stage) func(testing.TB, StageConfig) Stage {
	return func(t testing.TB, c StageConfig) Stage {
		t.Helper()
		return moonStage{stage(t, c)}
	}
}

// moonStage is a stage with one source more.
type moonStage struct{ Stage }

// Scene has the moon among its sources.
func (m moonStage) Scene() Scene {
	s := m.Stage.Scene()
	s.Sources = append(s.Sources, Source{Name: "moon"})
	return s
}
