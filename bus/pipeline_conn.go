package bus

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// openPipeline returns a pipeline on a connection. What it needs there ends with the connection.
func openPipeline(nc *nats.Conn, r *room) (*pipeline, error) {
	p := newPipeline(nc, nc.NewInbox()+".", r)
	sub, err := nc.Subscribe(p.inbox+"*", p.receive)
	if err != nil {
		return nil, fmt.Errorf("bus: listen for acknowledgements: %w", err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil { // no more than was sent can come, and none of it may be dropped
		return nil, fmt.Errorf("bus: listen for acknowledgements: %w", err)
	}
	go p.watch(nc, nc.StatusChanged(nats.RECONNECTING, nats.CLOSED))
	return p, nil
}

// watch frees places whose answers cannot come any more, until the connection is closed.
func (p *pipeline) watch(nc *nats.Conn, changes chan nats.Status) {
	defer nc.RemoveStatusListener(changes)
	tick := time.NewTicker(answerPatience / 4)
	defer tick.Stop()
	for !nc.IsClosed() { // asked each time: a change is not told to a listener who has fallen behind
		select {
		case status := <-changes:
			if status == nats.RECONNECTING {
				p.broken(nats.ErrDisconnected)
			}
		case <-tick.C:
			p.reclaim()
		}
	}
	p.broken(nats.ErrConnectionClosed)
}
