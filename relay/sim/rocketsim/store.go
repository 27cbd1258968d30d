package rocketsim

import (
	"slices"
	"sort"
	"time"
)

// store keeps the message collection and its trash. The server's lock guards it; the messages themselves never change.
type store struct {
	lastSeq int64
	held    map[string]*message // by id, hidden copies included
	rooms   map[string]*shelf   // by room id
	threads map[string]byTime   // by root id: the replies, rising by ts
	trash   map[string][]*trashed
	gone    map[string]*trashed // by message id: everything in trash
}

// shelf is the messages of a room in two orders.
type shelf struct {
	told    byTime   // rising by ts
	touched byUpdate // rising by _updatedAt
}

// trashed is a message that was deleted for good.
type trashed struct {
	*message
	deletedAt time.Time
}

// byTime is messages that rise by ts and then by their insertion. Those whose ts is a string come first, as MongoDB sorts them.
type byTime []*message

// byUpdate is messages that rise by _updatedAt and then by their insertion.
type byUpdate []*message

func newStore() store {
	return store{
		held: map[string]*message{}, rooms: map[string]*shelf{}, threads: map[string]byTime{}, trash: map[string][]*trashed{},
		gone: map[string]*trashed{},
	}
}

// shelf finds the shelf of a room, and makes it where there is none.
func (st *store) shelf(rid string) *shelf {
	sh := st.rooms[rid]
	if sh == nil {
		sh = &shelf{}
		st.rooms[rid] = sh
	}
	return sh
}

// insert keeps a new message; its id must be free.
func (st *store) insert(m *message) {
	st.lastSeq++
	m.seq = st.lastSeq
	st.held[m.ID] = m
	sh := st.shelf(m.RID)
	sh.told = sh.told.with(m)
	sh.touched = sh.touched.with(m)
	if m.TMID != "" {
		st.threads[m.TMID] = st.threads[m.TMID].with(m)
	}
}

// replace puts the changed clone of a message in its place. Id, room, thread and ts stay what they were.
func (st *store) replace(m *message) {
	was := st.held[m.ID]
	st.held[m.ID] = m
	sh := st.shelf(m.RID)
	sh.told[sh.told.at(was)] = m
	sh.touched = sh.touched.without(was).with(m)
	if m.TMID != "" {
		thread := st.threads[m.TMID]
		thread[thread.at(was)] = m
	}
}

// remove moves a message into the trash; replies of a root stay.
func (st *store) remove(m *message, at time.Time) {
	delete(st.held, m.ID)
	sh := st.shelf(m.RID)
	i := sh.told.at(m)
	sh.told = slices.Delete(sh.told, i, i+1)
	sh.touched = sh.touched.without(m)
	if m.TMID != "" {
		thread := st.threads[m.TMID]
		i := thread.at(m)
		st.threads[m.TMID] = slices.Delete(thread, i, i+1)
	}
	t := &trashed{message: m, deletedAt: at}
	st.trash[m.RID] = append(st.trash[m.RID], t)
	st.gone[m.ID] = t
}

func (l byTime) at(m *message) int {
	i, _ := slices.BinarySearchFunc(l, m, func(a, b *message) int {
		if c := a.TS.Compare(b.TS); c != 0 {
			return c
		}
		return int(a.seq - b.seq)
	})
	return i
}

func (l byTime) with(m *message) byTime { return slices.Insert(l, l.at(m), m) }

// after is the index of the first message later than t, or with included at t.
func (l byTime) after(t time.Time, included bool) int {
	return sort.Search(len(l), func(i int) bool { return l[i].TS.After(t) || included && l[i].TS.Equal(t) })
}

func (l byUpdate) at(m *message) int {
	i, _ := slices.BinarySearchFunc(l, m, func(a, b *message) int {
		if c := a.UpdatedAt.Compare(b.UpdatedAt); c != 0 {
			return c
		}
		return int(a.seq - b.seq)
	})
	return i
}

func (l byUpdate) with(m *message) byUpdate { return slices.Insert(l, l.at(m), m) }

func (l byUpdate) without(m *message) byUpdate {
	i := l.at(m)
	return slices.Delete(l, i, i+1)
}

// after is the index of the first message that was updated later than t.
func (l byUpdate) after(t time.Time) int {
	return sort.Search(len(l), func(i int) bool { return l[i].UpdatedAt.After(t) })
}

// sorted is a copy of messages in another order; compare less than 0 comes first.
func sorted(all []*message, compare func(a, b *message) int) []*message {
	out := slices.Clone(all)
	slices.SortStableFunc(out, compare)
	return out
}
