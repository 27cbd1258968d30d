package egress

import (
	"context"
	"sync"
)

// places bounds how many of something there are for a host at a time. It remembers no host longer than there are some.
type places struct {
	most  int
	mu    sync.Mutex
	hosts map[string]*queue
}

// queue is that of one host.
type queue struct {
	taken chan struct{}
	users int // who have a place, or wait for one
}

func newPlaces(most int) *places { return &places{most: most, hosts: make(map[string]*queue)} }

// take waits for a place, and returns what gives it back; calling that again does nothing.
func (p *places) take(ctx context.Context, host string) (free func(), err error) {
	taken := p.enter(host)
	select {
	case taken <- struct{}{}:
		return sync.OnceFunc(func() {
			<-taken
			p.leave(host)
		}), nil
	case <-ctx.Done():
		p.leave(host)
		return nil, ctx.Err()
	}
}

func (p *places) enter(host string) chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.hosts[host]
	if q == nil {
		q = &queue{taken: make(chan struct{}, p.most)}
		p.hosts[host] = q
	}
	q.users++
	return q.taken
}

func (p *places) leave(host string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.hosts[host]
	if q.users--; q.users == 0 {
		delete(p.hosts, host)
	}
}
