package cometchat

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func messageKey(m Message) string { return m.ID }

// lists are the ways to list messages.
func lists(ctx context.Context, c *Client, at Cursor) map[string]iter.Seq2[Message, error] {
	return map[string]iter.Seq2[Message, error]{
		"app":    c.Messages(ctx, MessageOptions{Cursor: at}),
		"user":   c.UserMessages(ctx, "ana", UserMessageOptions{Cursor: at}),
		"group":  c.GroupMessages(ctx, "crew", GroupMessageOptions{Cursor: at}),
		"thread": c.Thread(ctx, "0", ThreadOptions{Cursor: at}),
	}
}

func TestMessagesNeitherLoopNorSkip(t *testing.T) {
	for kind, change := range kinds() {
		for _, n := range []int{0, 1, 99, 100, 101, 250} {
			f := newFakeList(t, upTo(n)...)
			change(f)
			c := f.connection().Client()
			forward := upTo(n)
			back := slices.Clone(forward)
			slices.Reverse(back)
			for affix, want := range map[Affix][]int{Append: forward, Prepend: back, "": back} {
				for list, all := range lists(t.Context(), c, Cursor{Affix: affix}) {
					if got := ids(t, all, messageKey); !slices.Equal(got, want) {
						t.Fatalf("%s, %d rows, %s %q: got %v", kind, n, list, affix, got)
					}
					if calls := len(f.seen()); calls > n/5+20 {
						t.Fatalf("%s, %d rows, %s %q: %d calls", kind, n, list, affix, calls)
					}
				}
			}
		}
	}
}

func TestMessagesFromACursor(t *testing.T) {
	for kind, change := range kinds() {
		f := newFakeList(t, upTo(250)...)
		change(f)
		c := f.connection().Client()
		for list, all := range lists(t.Context(), c, Cursor{ID: "200", Limit: 20}) {
			if got := ids(t, all, messageKey); len(got) != 50 || got[0] != 201 {
				t.Fatalf("%s %s: %v", kind, list, got)
			}
		}
		for list, all := range lists(t.Context(), c, Cursor{ID: "31", Affix: Prepend, Limit: 20}) {
			if got := ids(t, all, messageKey); len(got) != 30 || got[0] != 30 {
				t.Fatalf("%s %s: %v", kind, list, got)
			}
		}
	}
}

// TestDeafServers has servers that answer with the same page whatever the cursor.
func TestDeafServers(t *testing.T) {
	f := newFakeList(t, upTo(250)...)
	f.deaf = true
	c := f.connection().Client()
	if got := ids(t, c.Messages(t.Context(), MessageOptions{Cursor: Cursor{Affix: Append}}), messageKey); len(got) != 100 || len(f.seen()) != 2 {
		t.Errorf("%d rows", len(got))
	}
	// A thread has numbered pages as well.
	if got := ids(t, c.Thread(t.Context(), "0", ThreadOptions{Cursor: Cursor{Affix: Append}}), messageKey); !slices.Equal(got, upTo(250)) {
		t.Errorf("got %v", got)
	}
	for _, err := range c.Thread(t.Context(), "0", ThreadOptions{Cursor: Cursor{Affix: Prepend, Limit: 50}}) {
		if err != nil && strings.Contains(err.Error(), "forward alone") {
			return
		}
	}
	t.Error("a thread was read back in silence, and not whole")
}

func TestIterationsBeginAnew(t *testing.T) {
	f := newFakeList(t, upTo(120)...)
	all := f.connection().Client().Messages(t.Context(), MessageOptions{})
	for range 2 {
		if got := ids(t, all, messageKey); len(got) != 120 {
			t.Errorf("%d rows", len(got))
		}
	}
	f.seen()
	for _, err := range all {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if calls := f.seen(); len(calls) != 1 {
		t.Errorf("%v", calls)
	}
}

func TestIterationsEndWithAnError(t *testing.T) {
	f := newFakeList(t, upTo(120)...)
	calls := 0
	f.fail = func(*http.Request) (int, string) {
		if calls++; calls%2 == 0 {
			return 503, ""
		}
		return 0, ""
	}
	c := f.connection().Client()
	for list, all := range lists(t.Context(), c, Cursor{Affix: Append}) {
		rows, faults := 0, 0
		for _, err := range all {
			if err != nil {
				faults++
				continue
			}
			rows++
		}
		if rows != 100 || faults != 1 {
			t.Errorf("%s: %d rows, %d faults", list, rows, faults)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, err := range c.Messages(ctx, MessageOptions{}) {
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	}
}

// numbered serves users in pages.
func numbered(n int, change func(page, size int) []int) (http.HandlerFunc, *[]string) {
	var calls []string
	return func(w http.ResponseWriter, r *http.Request) {
		calls = append(calls, r.URL.RawQuery)
		var page, size int
		_, _ = fmt.Sscanf(r.URL.Query().Get("page")+" "+r.URL.Query().Get("perPage"), "%d %d", &page, &size)
		rows := upTo(n)
		rows = rows[min(n, (page-1)*size):min(n, page*size)]
		if change != nil {
			rows = change(page, size)
		}
		var data []string
		for _, id := range rows {
			data = append(data, fmt.Sprintf(`{"uid":"%d","guid":"%d","conversationId":"%d","id":"%d"}`, id, id, id, id))
		}
		answer(200, `{"data":[`+strings.Join(data, ",")+`],"meta":{"pagination":{"total":0,"total_pages":1}}}`)(w, r)
	}, &calls
}

func TestNumberedPages(t *testing.T) {
	for _, n := range []int{0, 1, 100, 101, 250} {
		h, calls := numbered(n, nil)
		c := serve(t, h).Client()
		for name, got := range map[string][]int{
			"users":         ids(t, c.Users(t.Context(), UserOptions{}), func(v User) string { return v.UID }),
			"groups":        ids(t, c.Groups(t.Context(), GroupOptions{}), func(v Group) string { return v.GUID }),
			"members":       ids(t, c.Members(t.Context(), "g", MemberOptions{}), func(v Member) string { return v.UID }),
			"conversations": ids(t, c.Conversations(t.Context(), ConversationOptions{}), func(v Conversation) string { return v.ID }),
		} {
			if !slices.Equal(got, upTo(n)) {
				t.Errorf("%s: got %v", name, got)
			}
		}
		if want := 4 * (n/100 + 1); len(*calls) > want+4 {
			t.Errorf("%d rows: %d calls", n, len(*calls))
		}
	}
}

func TestNumberedPagesThatRepeatThemselves(t *testing.T) {
	h, calls := numbered(0, func(page, _ int) []int { // pages that overlap, and turn in a circle
		page = (page - 1) % 3
		return []int{page*2 + 1, page*2 + 2, page*2 + 3}
	})
	got := ids(t, serve(t, h).Client().Users(t.Context(), UserOptions{}), func(v User) string { return v.UID })
	if !slices.Equal(got, upTo(7)) || len(*calls) != 4 {
		t.Errorf("%v after %d calls", got, len(*calls))
	}
}

func TestNumberedPagesTooLong(t *testing.T) {
	for _, size := range []int{100, 37, 3} {
		all, calls := numbered(90, nil)
		h := func(w http.ResponseWriter, r *http.Request) {
			var page, rows int
			_, _ = fmt.Sscanf(r.URL.Query().Get("page")+" "+r.URL.Query().Get("perPage"), "%d %d", &page, &rows)
			if first := (page - 1) * rows; first+rows > 50 && first < 60 && rows > 2 { // rows 51 to 60 are long
				answer(200, `{"data":"`+strings.Repeat("x", shortList)+`"}`)(w, r)
				return
			}
			all(w, r)
		}
		c := serve(t, h).Client()
		c.maxList = shortList
		got := ids(t, c.Users(t.Context(), UserOptions{Paging: Paging{PerPage: size}}), func(v User) string { return v.UID })
		if !slices.Equal(got, upTo(90)) {
			t.Errorf("%d: %v after %d calls", size, got, len(*calls))
		}
	}
}

func TestReactionsIterate(t *testing.T) {
	calls := 0
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		body := `{"data":[{"id":"5","uid":"zoe","reaction":"x"},{"id":"3","uid":"ana","reaction":"x"}]}`
		if r.URL.Query().Get("id") != "" {
			body = `{"data":[{"id":"5","uid":"zoe","reaction":"x"}]}` // the cursor's own, again
		}
		answer(200, body)(w, r)
	}).Client()
	var got []string
	for r, err := range c.Reactions(t.Context(), "7", ReactionOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.UID)
	}
	if !slices.Equal(got, []string{"zoe", "ana"}) || calls != 2 {
		t.Errorf("%v after %d calls", got, calls)
	}
}

func TestIterationTakesNoTimeCursorFurther(t *testing.T) {
	f := newFakeList(t, upTo(150)...)
	got := ids(t, f.connection().Client().Messages(t.Context(), MessageOptions{Cursor: Cursor{SentAt: time.Unix(1_700_000_000, 0)}}), messageKey)
	calls := f.seen()
	if len(got) != 150 || !strings.Contains(calls[0], "sentAt=1700000000") || strings.Contains(calls[1], "sentAt") {
		t.Errorf("%d rows; %v", len(got), calls)
	}
}
