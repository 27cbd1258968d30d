package rocketchat

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/egress"
)

// rows is a list that a server gives page by page, and clamps as it does. Each call may change it.
type rows struct {
	t       *testing.T
	ids     []string
	clamp   int
	noTotal bool
	calls   int
	between func(r *rows)
}

func (l *rows) serve(w http.ResponseWriter, r *http.Request) {
	if l.calls++; l.calls > 100 {
		l.t.Error("the walk has no end")
		answer(500, "")(w, r)
		return
	}
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	count, _ := strconv.Atoi(r.URL.Query().Get("count"))
	page := l.ids[min(offset, len(l.ids)):]
	page = page[:min(len(page), l.clamp, count)]
	docs := []object{}
	for _, id := range page {
		docs = append(docs, object{"_id": id, "u": object{"_id": "u"}})
	}
	a := object{"success": true, "messages": docs, "threads": docs, "members": docs, "count": len(docs), "offset": offset}
	if !l.noTotal {
		a["total"] = len(l.ids)
	}
	body, _ := json.Marshal(a)
	answer(200, string(body))(w, r)
	if l.between != nil {
		l.between(l)
	}
}

func numbered(from, to int) []string {
	var ids []string
	for i := from; i < to; i++ {
		ids = append(ids, fmt.Sprintf("m%03d", i))
	}
	return ids
}

// collect returns the ids that a walk yields, and its error.
func collect[T any](list iter.Seq2[T, error], id func(T) string) (ids []string, err error) {
	for row, fault := range list {
		if fault != nil {
			return ids, fault
		}
		ids = append(ids, id(row))
	}
	return ids, nil
}

func TestWalks(t *testing.T) {
	tests := []struct {
		name string
		rows rows
		want []string
	}{
		{"empty", rows{clamp: 100}, nil},
		{"one page", rows{ids: numbered(0, 7), clamp: 100}, numbered(0, 7)},
		{"just one page", rows{ids: numbered(0, 100), clamp: 100}, numbered(0, 100)},
		{"pages", rows{ids: numbered(0, 250), clamp: 100}, numbered(0, 250)},
		{"a server that gives less", rows{ids: numbered(0, 50), clamp: 3}, numbered(0, 50)},
		{"without a total", rows{ids: numbered(0, 10), clamp: 3, noTotal: true}, numbered(0, 10)},
		{"rows are deleted meanwhile", rows{ids: numbered(0, 20), clamp: 5, between: func(r *rows) {
			if r.calls%3 == 1 {
				r.ids = slices.Delete(r.ids, 0, min(2, len(r.ids)))
			}
		}}, numbered(0, 20)},
		{"a row is added in front", rows{ids: numbered(10, 20), clamp: 5, between: func(r *rows) {
			if r.calls == 1 {
				r.ids = append([]string{"m000"}, r.ids...)
			}
		}}, numbered(10, 20)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rows := tt.rows
			rows.t = t
			c := serve(t, rows.serve)
			got, err := collect(c.client.Thread(t.Context(), "root"), messageKey)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestEveryWalk(t *testing.T) {
	c := serve(t, (&rows{t: t, ids: numbered(0, 7), clamp: 3}).serve).client
	ctx := t.Context()
	user := func(u User) string { return u.ID }
	for name, list := range map[string]func() ([]string, error){
		"threads": func() ([]string, error) { return collect(c.ThreadRoots(ctx, "r", Threads{}), messageKey) },
		"deleted": func() ([]string, error) { return collect(c.Deleted(ctx, "r", time.Now()), messageKey) },
		"members": func() ([]string, error) { return collect(c.RoomMembers(ctx, Direct, "r", ""), user) },
	} {
		if got, err := list(); err != nil || !slices.Equal(got, numbered(0, 7)) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for m, err := range c.Thread(ctx, "m000") { // the root itself is no reply
		if err != nil || m.ID != "m001" {
			t.Errorf("%s, %v", m.ID, err)
		}
		break
	}
}

func TestWalksEndWithAnError(t *testing.T) {
	c := serve(t, answer(403, `{"success":false,"error":"unauthorized"}`)).client
	ctx := t.Context()
	for name, list := range map[string]iter.Seq2[Message, error]{
		"thread": c.Thread(ctx, "r"), "history": c.RoomHistory(ctx, Channel, "r", History{}), "updates": c.Updates(ctx, "r", time.Now()), "live chat": c.RoomHistory(ctx, LiveChat, "r", History{}),
	} {
		if got, err := collect(list, messageKey); err == nil || len(got) != 0 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// timed are messages of a room by their time, in ms.
type timed struct {
	id string
	at int64
}

func (m timed) doc() object {
	at := formatTime(time.UnixMilli(m.at))
	return object{"_id": m.id, "ts": at, "_updatedAt": at, "_hidden": m.id == "hidden"}
}

func TestRoomHistory(t *testing.T) {
	all := []timed{{"g", 9}, {"f", 5}, {"e", 5}, {"d", 5}, {"hidden", 5}, {"c", 5}, {"b", 3}, {"a", 1}}
	calls := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		within := func(m timed) bool {
			at := m.doc()["ts"].(string)
			latest, oldest, inclusive := q.Get("latest"), q.Get("oldest"), q.Get("inclusive") == "true"
			if inclusive && (at == latest || at == oldest) {
				return true
			}
			return (latest == "" || at < latest) && (oldest == "" || at > oldest)
		}
		offset, _ := strconv.Atoi(q.Get("offset"))
		docs := []object{}
		for _, m := range all {
			if !within(m) {
				continue
			}
			if offset--; offset < 0 && len(docs) < 2 {
				docs = append(docs, m.doc())
			}
		}
		if calls++; calls > 100 {
			t.Error("the walk has no end")
			docs = nil
		}
		body, _ := json.Marshal(object{"success": true, "messages": docs})
		answer(200, string(body))(w, r)
	}).client
	tests := []struct {
		name string
		h    History
		want []string
	}{
		{"all", History{}, []string{"g", "f", "e", "d", "c", "b", "a"}},
		{"from the third on", History{Oldest: time.UnixMilli(3)}, []string{"g", "f", "e", "d", "c"}},
		{"with it", History{Oldest: time.UnixMilli(3), Inclusive: true}, []string{"g", "f", "e", "d", "c", "b"}},
		{"up to", History{Latest: time.UnixMilli(5)}, []string{"b", "a"}},
	}
	for _, tt := range tests {
		calls = 0
		got, err := collect(c.RoomHistory(t.Context(), Channel, "r", tt.h), messageKey)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, %v, want %v", tt.name, got, err, tt.want)
		}
	}
}

func TestUpdates(t *testing.T) {
	all := []timed{{"a", 1001}, {"b", 1002}, {"c", 1002}, {"hidden", 1002}, {"d", 1003}, {"e", 1007}}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		next, _ := strconv.ParseInt(r.URL.Query().Get("next"), 10, 64)
		docs := []object{}
		var cursor any
		for _, m := range all {
			if m.at <= next {
				continue
			}
			if len(docs) == 3 {
				break
			}
			docs, cursor = append(docs, m.doc()), strconv.FormatInt(m.at, 10)
		}
		if len(docs) < 3 {
			cursor = nil
		}
		body, _ := json.Marshal(object{"success": true, "result": object{"updated": docs, "deleted": []any{}, "cursor": object{"next": cursor}}})
		answer(200, string(body))(w, r)
	}).client
	got, err := collect(c.Updates(t.Context(), "r", time.UnixMilli(1000)), messageKey)
	if want := []string{"a", "b", "c", "d", "e"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestPagesThatAreTooLong(t *testing.T) {
	var counts []string
	page := func(p Paging) (Page[Message], error) {
		counts = append(counts, strconv.Itoa(p.Count))
		if p.Count > 30 {
			return Page[Message]{}, fmt.Errorf("x: %w", egress.ErrAnswerTooLong)
		}
		return Page[Message]{Rows: []Message{{ID: "a"}}, Total: 1}, nil
	}
	got, err := collect(walk(messageKey, page), messageKey)
	if err != nil || !slices.Equal(got, []string{"a"}) || !slices.Equal(counts, []string{"100", "50", "25"}) {
		t.Errorf("%v, %v, %v", got, err, counts)
	}
	_, err = collect(walk(messageKey, func(Paging) (Page[Message], error) { return Page[Message]{}, egress.ErrAnswerTooLong }), messageKey)
	if !errors.Is(err, egress.ErrAnswerTooLong) {
		t.Error(err)
	}
}
