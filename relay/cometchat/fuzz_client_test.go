package cometchat

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// addRows seeds with the messages of testdata, and with lists of them.
func addRows(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/rest.row.*.json")
	if err != nil || len(files) == 0 {
		f.Fatal(err, files)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add([]byte(`{"data":[` + string(b) + `],"meta":{"current":{"limit":10,"count":1},"next":{"affix":"append","sentAt":1,"id":3}}}`))
		f.Add([]byte(`{"meta":{"pagination":{"total":0,"count":"1","per_page":100},"cursor":{"id":7}},"data":{"1":` + string(b) + `,"0":{"uid":"ana","hasJoined":1}}}`))
	}
	f.Add([]byte(`{"conversationId":"group_g","conversationWith":{"guid":"g"},"lastMessage":{"id":1},"unreadMessageCount":"3"}`))
	f.Add([]byte(`{"data":null,"error":{"code":"ERR_X","message":{},"details":{"a":[1]}}}`))
	f.Add([]byte(strings.Repeat(`{"data":`, 40) + `1` + strings.Repeat(`}`, 40)))
}

// FuzzReadPage reads lists, and their rows as everything that a list may hold.
func FuzzReadPage(f *testing.F) {
	addRows(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		var page RawPage
		refusal, err := readPage(bytes.NewReader(body), &page)
		if err == nil && !json.Valid(body) {
			t.Fatalf("%q was read", body)
		}
		if refusal != nil && !json.Valid(refusal) {
			t.Fatalf("refusal %q", refusal)
		}
		for _, row := range append(page.Rows, body) {
			var m Message
			if json.Unmarshal(row, &m) == nil {
				if _, err := messageID(text(m.ID)); err != nil {
					t.Fatalf("%q: %v", row, err)
				}
				_ = m.Metadata("x")
			}
			for _, into := range []json.Unmarshaler{new(User), new(Group), new(Member), new(Conversation), new(Reaction), new(UnreadCount)} {
				_ = into.UnmarshalJSON(row)
			}
			readPollRow(row)
		}
	})
}

// FuzzAnswer has a server say anything, to calls of each kind.
func FuzzAnswer(f *testing.F) {
	addRows(f)
	var body []byte
	c := newConnection(f, func(cfg *Config) { cfg.HTTP = &http.Client{Transport: says{&body}} })
	f.Fuzz(func(t *testing.T, b []byte) {
		body = b
		r, err := c.Send(t.Context(), reply())
		if err == nil && r.Message == "" {
			t.Fatalf("%q: %+v", b, r)
		}
		page, err := c.Poll(t.Context(), relay.PollRequest{Source: "app", After: `{"v":1,"floor":1}`})
		for _, e := range page.Events {
			checkEvent(t, e)
		}
		if err == nil && page.Next == "" {
			t.Fatalf("%q: %+v", b, page)
		}
		_, _ = c.Conversation(t.Context(), event.ThreadRef{Conversation: "group/g"}, relay.PageRequest{})
		_, _ = c.User(t.Context(), "ana")
		_, _, _ = c.Find(t.Context(), reply(), time.Unix(1_700_000_000, 0))
		_ = c.Probe(t.Context())
	})
}

// says answers everything with one body.
type says struct{ body *[]byte }

func (s says) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: readCloser{bytes.NewReader(*s.body)}, Request: r}, nil
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// FuzzPollCursor reads anything as a cursor, and polls with it.
func FuzzPollCursor(f *testing.F) {
	for _, s := range []string{
		`{"v":1,"floor":5}`, `{"v":1,"floor":5,"now":1700000000,"seen":[1,0,2,9],"from":1600000000,"pending":[7,1,0]}`, `{"v":2}`, `x`,
		`{"v":1,"floor":18446744073709551615,"now":-1,"seen":[1,18446744073709551615]}`,
	} {
		f.Add(s)
	}
	now := time.Unix(1_700_000_000, 0)
	f.Fuzz(func(t *testing.T, s string) {
		var at pollCursor
		if at.decode(s) != nil {
			return
		}
		at.settle(now)
		before := at.last()
		at.note(9, now)
		at.wait("9", now)
		at.age(now)
		if at.last() < before || len(at.seen) > maxSeen {
			t.Fatalf("%s became %+v", s, at)
		}
		for i, seen := range at.seen {
			if seen.id <= at.floor || i > 0 && seen.id <= at.seen[i-1].id {
				t.Fatalf("%s became %+v", s, at)
			}
		}
		kept := at.encode()
		var back pollCursor
		if err := back.decode(kept); err != nil || back.encode() != kept {
			t.Fatalf("%s became %s, %v", s, kept, err)
		}
	})
}
