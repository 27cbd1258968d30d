package bus

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestWorkersRunSoManyAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, n = 3, 100
		var running, most, served atomic.Int64
		gate := make(chan struct{})
		w := workers{limit: limit, serve: func(*lane) {
			if now := running.Add(1); now > most.Load() {
				most.Store(now)
			}
			<-gate
			running.Add(-1)
			served.Add(1)
		}}
		if !w.free() {
			t.Error("nothing runs, and none is free")
		}
		for range n {
			w.push(&lane{})
		}
		synctest.Wait()
		if running.Load() != limit || w.free() {
			t.Fatalf("%d run, free %t", running.Load(), w.free())
		}
		for range n {
			gate <- struct{}{}
		}
		w.wait()
		if most.Load() != limit || served.Load() != n || !w.free() {
			t.Errorf("at most %d ran, %d in all, free %t", most.Load(), served.Load(), w.free())
		}
	})
}

func TestWorkersTakeWhatHasBeenReadyLongest(t *testing.T) {
	const n = 10_000 // beyond the places that are moved together and the queue that is kept
	var order, want []string
	gate := make(chan struct{})
	w := workers{limit: 1, serve: func(l *lane) {
		<-gate
		order = append(order, l.subject)
	}}
	for i := range n {
		want = append(want, fmt.Sprint(i))
		w.push(&lane{subject: want[i]})
	}
	close(gate)
	w.wait()
	if !slices.Equal(order, want) {
		t.Errorf("%d lanes were served, in another order", len(order))
	}
	if cap(w.ready) > 4096 {
		t.Errorf("the queue of a flood is kept: %d places", cap(w.ready))
	}
	w.push(&lane{subject: "after"})
	w.wait()
	if last := order[len(order)-1]; last != "after" {
		t.Errorf("served last: %s", last)
	}
}
