package bus

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// intake reads the partitions that a subscription holds, and hands each message to its partition.
type intake struct {
	sub     *subscription
	changed chan struct{} // has an entry when the plan is to be made anew

	mu   sync.Mutex
	held map[int]*partition
}

func newIntake(s *subscription) *intake {
	return &intake{sub: s, changed: make(chan struct{}, 1), held: make(map[int]*partition)}
}

// add has a partition read from the next plan on, and remove has it read no more. A partition that has ended takes no
// messages before that either.
func (in *intake) add(p *partition) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.held[p.number] = p
}

func (in *intake) remove(number int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	delete(in.held, number)
}

// replan has the plan made anew.
func (in *intake) replan() {
	select {
	case in.changed <- struct{}{}:
	default:
	}
}

// run reads until ctx ends.
func (in *intake) run(ctx context.Context) {
	for ctx.Err() == nil {
		in.mu.Lock()
		held := maps.Clone(in.held)
		in.mu.Unlock()
		in.follow(ctx, held)
	}
}

// follow reads by one plan until it is to be made anew.
func (in *intake) follow(ctx context.Context, held map[int]*partition) {
	within, stop := context.WithCancel(ctx)
	defer stop()
	var reading sync.WaitGroup
	defer reading.Wait()
	defer stop()
	routes := plan(in.positions(ctx, held), in.sub.bus.cfg.Partitions)
	var cursors []*cursor
	for _, r := range routes {
		c := in.cursor(r, held)
		cursors = append(cursors, c)
		reading.Go(func() {
			c.run(within)
			for _, n := range r.partitions {
				held[n].reach(c.position.Load())
			}
		})
	}
	in.wait(ctx, routes, cursors)
}

// positions tells how far the partitions have been read. One in which nothing was said for long is as far as those in which
// something was, which the stream has to be asked for.
func (in *intake) positions(ctx context.Context, held map[int]*partition) []reach {
	var front uint64
	for _, p := range held {
		front = max(front, p.reached())
	}
	var out []reach
	for _, n := range slices.Sorted(maps.Keys(held)) {
		position := held[n].reached()
		if position < front {
			m, err := in.sub.find(ctx, query{from: position + 1, subject: partitionFilter(in.sub.topic, n), known: front})
			switch {
			case err != nil:
				in.sub.warn("cannot look for a partition's next message", "partition", n, "error", err)
			case m == nil:
				position = front
			default:
				position = min(front, m.Sequence-1)
			}
		}
		out = append(out, reach{n, position})
	}
	return out
}

// wait returns when the plan is to be made anew, or ctx ends. It keeps the metric of what is not read yet.
func (in *intake) wait(ctx context.Context, routes []route, cursors []*cursor) {
	tick := time.NewTicker(in.sub.bus.cfg.LeaseTTL / 10)
	defer tick.Stop()
	lag := in.sub.metrics.lag.WithLabelValues(in.sub.group, in.sub.topic)
	var reported float64
	defer func() { lag.Sub(reported) }()
	for {
		var behind float64
		for i, r := range routes {
			share := 1.0
			if r.whole {
				share = float64(len(r.partitions)) / float64(in.sub.bus.cfg.Partitions)
			}
			behind += share * float64(cursors[i].behind.Load())
		}
		lag.Add(behind - reported)
		reported = behind
		select {
		case <-in.changed:
			return
		case <-ctx.Done():
			return
		case <-tick.C:
			if caughtUp(routes, cursors) {
				return
			}
		}
	}
}

// caughtUp reports whether a partition that was left behind can be read with the others again.
func caughtUp(routes []route, cursors []*cursor) bool {
	last := len(routes) - 1
	if last < 1 || !routes[last].whole {
		return false
	}
	front := cursors[last].position.Load()
	return slices.ContainsFunc(cursors[:last], func(c *cursor) bool {
		return c.started.Load() && (c.behind.Load() == 0 || c.position.Load()+farBehind/2 > front)
	})
}

// cursor returns the cursor of a route.
func (in *intake) cursor(r route, held map[int]*partition) *cursor {
	c := &cursor{sub: in.sub}
	c.position.Store(r.position)
	if !r.whole {
		p := held[r.partitions[0]]
		c.filter = partitionFilter(in.sub.topic, p.number)
		c.sink = p.read
		return c
	}
	byNumber := make([]*partition, in.sub.bus.cfg.Partitions)
	for _, n := range r.partitions {
		byNumber[n] = held[n]
	}
	prefix := root + in.sub.topic + "."
	c.sink = func(ctx context.Context, m *stored) bool {
		n, ok := partitionOf(prefix, m.subject)
		if !ok || n >= len(byNumber) || byNumber[n] == nil {
			return true
		}
		return byNumber[n].read(ctx, m)
	}
	return c
}

// partitionOf takes the partition's number out of a stored subject.
func partitionOf(prefix, subject string) (int, bool) {
	rest, ok := strings.CutPrefix(subject, prefix)
	if !ok {
		return 0, false
	}
	digits, _, ok := strings.Cut(rest, ".")
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	return n, err == nil && n >= 0
}
