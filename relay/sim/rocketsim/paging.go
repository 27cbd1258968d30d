package rocketsim

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// page is the part of a list that a request asks for.
type page struct {
	offset, count int // count 0 is everything
	order         []orderBy
}

// orderBy is one key of a sort, rising or falling.
type orderBy struct {
	key  string
	back bool
}

// paging reads offset, count and sort (Rocket.Chat: getPaginationItems.ts, parseJsonQuery.ts); the caller holds s.mu.
func (s *Server) paging(c *call) (page, error) {
	st := &s.cfg.Settings
	p := page{offset: whole(c.text("offset")), count: st.DefaultCount}
	if c.has("count") {
		p.count = min(whole(c.text("count")), st.UpperCountLimit)
	}
	if p.count == 0 && st.NoInfiniteCount {
		p.count = st.DefaultCount
	}
	if p.offset < 0 {
		return page{}, plain("Skip value must be non-negative, but received: %d", p.offset)
	}
	p.count = max(p.count, -p.count) // MongoDB takes a negative limit for its amount
	var err error
	p.order, err = parseSort(c.text("sort"))
	return p, err
}

// parseSort reads a sort: an object of JSON whose values are 1 or -1, in the order of its keys.
func parseSort(sort string) ([]orderBy, error) {
	if sort == "" {
		return nil, nil
	}
	wrong := refuse("error-invalid-sort", "Invalid sort parameter provided: %q", sort)
	wrong.Details = map[string]any{"helperMethod": "parseJsonQuery"}
	d := json.NewDecoder(strings.NewReader(sort))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, wrong
	}
	var order []orderBy
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, wrong
		}
		way, err := d.Token()
		if err != nil || way != 1.0 && way != -1.0 {
			return nil, wrong
		}
		name, _ := key.(string)
		order = append(order, orderBy{name, way == -1.0})
	}
	if _, err := d.Token(); err != nil {
		return nil, wrong
	}
	return order, nil
}

// whole is a number as parseInt reads it; 0 for what is none.
func whole(s string) int {
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0
	}
	return int(n)
}

// cut is the part of a list that a page is.
func cut[T any](p page, all []T) []T {
	from := min(p.offset, len(all))
	to := len(all)
	if p.count > 0 {
		to = min(to, from+p.count)
	}
	return all[from:to]
}

// pick takes one page out of a list that has the endpoint's usual order, and shows it with the numbers of a paginated answer.
func (s *Server) pick(c *call, key string, all []*message) (map[string]any, error) {
	p, err := s.paging(c)
	if err != nil {
		return nil, err
	}
	if p.order != nil {
		all = sorted(all, p.compare)
	}
	rows := shown(cut(p, all))
	return map[string]any{key: rows, "count": len(rows), "offset": p.offset, "total": len(all)}, nil
}

// compare orders two messages by the sort of a request, and those that are alike by their insertion; keys that nothing is sorted by
// here make no difference.
func (p page) compare(a, b *message) int {
	for _, o := range p.order {
		way := 0
		switch o.key {
		case "ts":
			way = a.TS.Compare(b.TS)
		case "_updatedAt":
			way = a.UpdatedAt.Compare(b.UpdatedAt)
		case "tlm":
			way = a.TLM.Compare(b.TLM)
		case "tcount":
			way = cmp.Compare(a.TCount, b.TCount)
		case "editedAt":
			way = a.EditedAt.Compare(b.EditedAt)
		case "_id":
			way = strings.Compare(a.ID, b.ID)
		case "msg":
			way = strings.Compare(a.Msg, b.Msg)
		case "u.username":
			way = strings.Compare(a.U.Username, b.U.Username)
		}
		if o.back {
			way = -way
		}
		if way != 0 {
			return way
		}
	}
	return cmp.Compare(a.seq, b.seq)
}

// shown are messages as REST shows them.
func shown(all []*message) []map[string]any {
	out := make([]map[string]any, len(all))
	for i, m := range all {
		out[i] = m.doc(isoDate)
	}
	return out
}

// gone are messages of the trash as REST shows them whole.
func gone(all []*trashed) []map[string]any {
	out := make([]map[string]any, len(all))
	for i, t := range all {
		d := t.doc(isoDate)
		d["_deletedAt"], d["__collection__"] = isoDate(t.deletedAt), "message"
		out[i] = d
	}
	return out
}

// visible are the messages of a list that are not hidden and that keep lets through, in their order or turned round.
func visible(all []*message, back bool, keep func(*message) bool) []*message {
	var out []*message
	for _, m := range all {
		if !m.Hidden && keep(m) {
			out = append(out, m)
		}
	}
	if back {
		slices.Reverse(out)
	}
	return out
}

// deletedAfter are the messages of a room's trash that were deleted later than a time, in the order of their deletion.
func (s *Server) deletedAfter(rid string, since time.Time, keep func(*message) bool) []*trashed {
	var out []*trashed
	for _, t := range s.store.trash[rid] {
		if t.deletedAt.After(since) && keep(t.message) {
			out = append(out, t)
		}
	}
	return out
}

func always(*message) bool { return true }
