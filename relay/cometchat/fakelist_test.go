package cometchat

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// fakeList serves one list of messages under every path, with the liberties that the documents leave to a server.
type fakeList struct {
	t *testing.T

	mu   sync.Mutex
	rows map[int]string // what a row has besides its id and its time of sending, by id
	// sent gives the time of sending; default 1,700,000,000 and the id.
	sent func(id int) int64

	newestFirst bool // within a page
	shuffled    bool
	numbers     bool // ids are numbers
	indexed     bool // data is an object
	pageMeta    bool // style of meta
	noMeta      bool
	inclusive   bool // the cursor's message is part of the page
	deaf        bool // to cursors: every page is the first, or that of the page number
	cap         int  // largest page; 0 for 1000
	untimed     bool // deaf to fromTimestamp and toTimestamp
	long        int  // more rows than this are too long an answer
	calls       []string
	fail        func(r *http.Request) (int, string)
	gone        map[int]bool // ids that GET /messages/{id} does not find
}

// shortList is the longest list of clients that are to find one too long.
const shortList = 1 << 16

func newFakeList(t *testing.T, ids ...int) *fakeList {
	f := &fakeList{t: t, rows: map[int]string{}}
	for _, id := range ids {
		f.rows[id] = `"sender":"ana","receiver":"crew","receiverType":"group","category":"message","type":"text","data":{"text":"hi"}`
	}
	return f
}

func upTo(n int) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i + 1
	}
	return ids
}

func (f *fakeList) add(id int, rest string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[id] = rest
}

func (f *fakeList) row(id int) string {
	sent := int64(1_700_000_000 + id)
	if f.sent != nil {
		sent = f.sent(id)
	}
	format := `{"id":"%d","sentAt":%d,%s}`
	if f.numbers {
		format = `{"id":%d,"sentAt":"%d",%s}`
	}
	return fmt.Sprintf(format, id, sent, f.rows[id])
}

func (f *fakeList) sentAt(id int) int64 {
	if f.sent != nil {
		return f.sent(id)
	}
	return int64(1_700_000_000 + id)
}

// ServeHTTP answers lists, and GET /messages/{id}.
func (f *fakeList) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, r.Method+" "+strings.TrimPrefix(r.URL.RequestURI(), "/v3")+" as "+r.Header.Get("onBehalfOf"))
	if f.fail != nil {
		if status, body := f.fail(r); status != 0 {
			answer(status, body)(w, r)
			return
		}
	}
	path := strings.Split(strings.TrimPrefix(r.URL.Path, "/v3/"), "/")
	if len(path) == 2 && path[0] == "messages" {
		id, _ := strconv.Atoi(path[1])
		if _, ok := f.rows[id]; !ok || f.gone[id] {
			answer(404, `{"error":{"code":"ERR_MESSAGE_ID_NOT_FOUND"}}`)(w, r)
			return
		}
		answer(200, `{"data":`+f.row(id)+`}`)(w, r)
		return
	}
	answer(200, f.page(r))(w, r)
}

func (f *fakeList) page(r *http.Request) string {
	q := r.URL.Query()
	num := func(name string, otherwise int) int {
		if n, err := strconv.Atoi(q.Get(name)); err == nil {
			return n
		}
		return otherwise
	}
	most := cmp.Or(f.cap, 1000)
	limit := min(num("limit", num("perPage", 10)), most)
	ids := f.matching(num)
	switch {
	case f.deaf:
		ids = ids[min(len(ids), (num("page", 1)-1)*limit):]
	case q.Get("affix") == "prepend" && q.Has("id"):
		ids = slices.DeleteFunc(ids, func(id int) bool { return id > num("id", 0) || id == num("id", 0) && !f.inclusive })
	case q.Has("id"):
		ids = slices.DeleteFunc(ids, func(id int) bool { return id < num("id", 0) || id == num("id", 0) && !f.inclusive })
	}
	if q.Get("affix") == "prepend" && !f.deaf {
		ids = ids[max(0, len(ids)-limit):]
	}
	ids = ids[:min(len(ids), limit)]
	if f.long > 0 && len(ids) > f.long {
		return `{"data":"` + strings.Repeat("x", shortList) + `"}`
	}
	return f.body(ids, limit)
}

func (f *fakeList) matching(num func(string, int) int) []int {
	var ids []int
	for id := range f.rows {
		at := int(f.sentAt(id))
		if f.untimed || at >= num("fromTimestamp", 0) && at <= num("toTimestamp", 1<<40) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

func (f *fakeList) body(ids []int, limit int) string {
	if f.newestFirst {
		slices.Reverse(ids)
	}
	if f.shuffled {
		slices.SortFunc(ids, func(a, b int) int { return cmp.Compare(a*7919%101, b*7919%101) })
	}
	rows := make([]string, len(ids))
	for i, id := range ids {
		rows[i] = f.row(id)
		if f.indexed {
			rows[i] = fmt.Sprintf("%q:%s", strconv.Itoa(i), rows[i])
		}
	}
	data := "[" + strings.Join(rows, ",") + "]"
	if f.indexed {
		data = "{" + strings.Join(rows, ",") + "}"
	}
	meta := fmt.Sprintf(`{"current":{"limit":%d,"count":%d},"next":{"affix":"append","sentAt":1,"id":"1"}}`, limit, len(ids))
	if f.pageMeta {
		meta = fmt.Sprintf(`{"pagination":{"total":0,"count":%d,"per_page":%d,"current_page":1,"total_pages":1},"cursor":{"id":9999,"affix":"prepend"}}`, len(ids), limit)
	}
	if f.noMeta {
		return `{"data":` + data + `}`
	}
	return `{"data":` + data + `,"meta":` + meta + `}`
}

func (f *fakeList) connection() *Connection {
	f.t.Helper()
	c := serve(f.t, f.ServeHTTP)
	if f.long > 0 {
		c.client.maxList = shortList
	}
	return c
}

func (f *fakeList) seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := f.calls
	f.calls = nil
	return seen
}

// kinds are servers of which each takes another liberty.
func kinds() map[string]func(*fakeList) {
	return map[string]func(*fakeList){
		"plain":                  func(*fakeList) {},
		"newest first":           func(f *fakeList) { f.newestFirst = true },
		"in no order":            func(f *fakeList) { f.shuffled = true },
		"numbers":                func(f *fakeList) { f.numbers = true },
		"data as object":         func(f *fakeList) { f.indexed, f.newestFirst = true, true },
		"page meta":              func(f *fakeList) { f.pageMeta = true },
		"no meta":                func(f *fakeList) { f.noMeta = true },
		"inclusive":              func(f *fakeList) { f.inclusive = true },
		"small pages":            func(f *fakeList) { f.cap = 7 },
		"too long pages":         func(f *fakeList) { f.long = 30 },
		"inclusive newest first": func(f *fakeList) { f.inclusive, f.newestFirst, f.cap = true, true, 11 },
	}
}

// ids collects the ids of messages.
func ids[T any](t *testing.T, all func(func(T, error) bool), id func(T) string) []int {
	t.Helper()
	var out []int
	for v, err := range all {
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(id(v))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, n)
	}
	return out
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
