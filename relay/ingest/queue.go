package ingest

import (
	"container/heap"
	"time"
)

// queue is the sources of one class that wait for their turn, the one that is due first at the top.
type queue []*source

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = i, j
}

// Push is for package heap.
func (q *queue) Push(x any) {
	s := x.(*source) //nolint:errcheck // nothing else is ever pushed
	s.place = len(*q)
	*q = append(*q, s)
}

// Pop is for package heap.
func (q *queue) Pop() any {
	old := *q
	s := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	s.place = away
	return s
}

func (q *queue) add(s *source)    { heap.Push(q, s) }
func (q *queue) take() *source    { return heap.Pop(q).(*source) } //nolint:errcheck // nothing else is ever pushed
func (q *queue) remove(s *source) { heap.Remove(q, s.place) }

// due returns when the first source is due, and false if none waits.
func (q queue) due() (time.Time, bool) {
	if len(q) == 0 {
		return time.Time{}, false
	}
	return q[0].due, true
}
