package bustest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/natsd"
)

// Member is one server of a Cluster. It is started again after a Stop, and a second Stop does nothing.
type Member interface {
	Start()
	Stop()
}

// Cluster is some NATS servers that keep copies of each other's streams, on loopback.
type Cluster struct {
	t       testing.TB
	servers []Member
	urls    []string // where clients reach them
}

// StartCluster starts a cluster of n servers, and returns when it can keep n copies of a stream. It ends with the test.
func StartCluster(t testing.TB, n int) *Cluster {
	t.Helper()
	return StartClusterOf(t, n, func(cfg natsd.Config) Member { return &Server{t: t, cfg: cfg} })
}

// StartClusterOf is StartCluster with servers of the test's own making.
func StartClusterOf(t testing.TB, n int, member func(natsd.Config) Member) *Cluster {
	t.Helper()
	ports := freePorts(t, 2*n)
	c := &Cluster{t: t}
	for i := range n {
		var routes []string
		for j := range n {
			if j != i {
				routes = append(routes, "nats://"+ports[n+j])
			}
		}
		c.urls = append(c.urls, "nats://"+ports[i])
		c.servers = append(c.servers, member(natsd.Config{
			Dir: t.TempDir(), Listen: ports[i], ServerName: fmt.Sprint("server-", i),
			Cluster: &natsd.ClusterConfig{Name: "bustest", Listen: ports[n+i], Routes: routes},
		}))
	}
	for _, s := range c.servers {
		s.Start()
		t.Cleanup(s.Stop)
	}
	c.await(n)
	return c
}

// freePorts returns loopback addresses that nobody listens on.
func freePorts(t testing.TB, n int) []string {
	t.Helper()
	addresses := make([]string, n)
	for i := range addresses {
		l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // takes no time
		if err != nil {
			t.Fatalf("bustest: %v", err)
		}
		defer func() { _ = l.Close() }() // not before all are found
		addresses[i] = l.Addr().String()
	}
	return addresses
}

// await waits until a stream with that many copies can be made, for which a leader of the cluster is needed too.
func (c *Cluster) await(copies int) {
	c.t.Helper()
	c.retry("no stream could be made", func(ctx context.Context, js jetstream.JetStream) error {
		_, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "BUSTEST", Subjects: []string{"bustest"}, Replicas: copies})
		if err != nil {
			return err
		}
		return js.DeleteStream(ctx, "BUSTEST")
	})
}

// retry repeats f until it succeeds.
func (c *Cluster) retry(failure string, f func(context.Context, jetstream.JetStream) error) {
	c.t.Helper()
	nc := c.dial()
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		c.t.Fatalf("bustest: %v", err)
	}
	all, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		ctx, cancel := context.WithTimeout(all, 2*time.Second) // who is asked may not be in charge any more
		err := f(ctx, js)
		cancel()
		if err == nil {
			return
		}
		if all.Err() != nil {
			c.t.Fatalf("bustest: %s: %v", failure, err)
		}
		<-tick.C
	}
}

func (c *Cluster) dial() *nats.Conn {
	c.t.Helper()
	nc, err := nats.Connect(strings.Join(c.urls, ","), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond),
		nats.ReconnectJitter(0, 0), nats.ReconnectBufSize(-1),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // what matters comes back from the calls
	if err != nil {
		c.t.Fatalf("bustest: %v", err)
	}
	return nc
}

// Connect opens a connection to one of the servers, which goes over to another when that stops. It is closed when the test
// ends.
func (c *Cluster) Connect() *nats.Conn {
	c.t.Helper()
	nc := c.dial()
	c.t.Cleanup(nc.Close)
	return nc
}

// Open opens a bus on a connection of its own. cfg.Conn is filled in, and cfg.Replicas too if it is 0: a copy for each
// server.
func (c *Cluster) Open(cfg bus.Config) *bus.Bus {
	c.t.Helper()
	cfg.Conn = c.Connect()
	if cfg.Replicas == 0 {
		cfg.Replicas = len(c.servers)
	}
	b, err := bus.Open(Context(c.t), cfg)
	if err != nil {
		c.t.Fatalf("bustest: %v", err)
	}
	return b
}

// Leader returns the number of the server that leads a stream, once one does.
func (c *Cluster) Leader(stream string) int {
	c.t.Helper()
	leader := -1
	c.retry("no leader of "+stream, func(ctx context.Context, js jetstream.JetStream) error {
		s, err := js.Stream(ctx, stream)
		if err != nil {
			return err
		}
		_, err = fmt.Sscanf(s.CachedInfo().Cluster.Leader, "server-%d", &leader)
		return err
	})
	return leader
}

// StopLeader stops the server that leads a stream, and returns its number.
func (c *Cluster) StopLeader(stream string) int {
	c.t.Helper()
	i := c.Leader(stream)
	c.servers[i].Stop()
	return i
}

// Restart starts a server that was stopped, and returns when it has all of a stream that the others have.
func (c *Cluster) Restart(i int, streams ...string) {
	c.t.Helper()
	c.servers[i].Start()
	for _, stream := range streams {
		c.retry("a copy of "+stream+" stays behind", func(ctx context.Context, js jetstream.JetStream) error {
			s, err := js.Stream(ctx, stream)
			if err != nil {
				return err
			}
			for _, r := range s.CachedInfo().Cluster.Replicas {
				if !r.Current || r.Offline {
					return fmt.Errorf("the copy on %s is %d behind", r.Name, r.Lag)
				}
			}
			return nil
		})
	}
}
