package bus

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestBufferWaitsForRoom(t *testing.T) {
	cases := map[string]struct{ fill, free func(*buffer) }{
		"messages": {func(b *buffer) { b.add(maxBuffered, 0) }, func(b *buffer) { b.add(-maxBuffered/8, 0) }},
		"bytes":    {func(b *buffer) { b.add(1, maxBufferedBytes) }, func(b *buffer) { b.add(-1, -maxBufferedBytes/8) }},
		"threads":  {func(b *buffer) { b.hold(1) }, func(b *buffer) { b.hold(-1) }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var b buffer
				c.fill(&b)
				var looked atomic.Int64
				var done atomic.Bool
				go func() { done.Store(b.wait(t.Context(), func() { looked.Add(1) })) }()
				time.Sleep(10*roomTime + time.Millisecond)
				synctest.Wait()
				if done.Load() || looked.Load() != 10 {
					t.Fatalf("full: done %t, looked for room %d times", done.Load(), looked.Load())
				}
				c.free(&b)
				synctest.Wait()
				if !done.Load() {
					t.Error("there is room, and nobody was told")
				}
			})
		})
	}
}

func TestBufferWakesNobodyForOnePlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b buffer
		b.add(maxBuffered, 0)
		var returned atomic.Int64
		for range 3 {
			go func() {
				b.wait(t.Context(), func() {})
				returned.Add(1)
			}()
		}
		synctest.Wait()
		b.add(-1, 0)
		synctest.Wait()
		if n := returned.Load(); n != 0 {
			t.Errorf("%d readers woke for one place", n)
		}
		b.add(1-maxBuffered/8, 0)
		synctest.Wait()
		if n := returned.Load(); n != 3 {
			t.Errorf("%d of 3 readers woke", n)
		}
	})
}

func TestBufferGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b buffer
		b.add(maxBuffered, 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if b.wait(ctx, func() {}) {
			t.Error("there was no room")
		}
	})
}
