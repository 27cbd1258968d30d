// Package natsd runs a NATS server with JetStream inside this process. It is the only package that links the server, so
// that a bot of its own process does not carry it.
package natsd

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// ErrInUse means that another process runs a server on the same folder.
var ErrInUse = errors.New("natsd: the data folder is in use by another process")

// Config is what a Server needs.
type Config struct {
	// Dir is where streams are stored. It is created if it is missing.
	Dir string
	// SyncAlways writes every message through to the disk before it is acknowledged: nothing acknowledged is lost when the
	// power fails. Otherwise that holds for a killed process alone, and the last two minutes are at risk in a power cut.
	SyncAlways bool
	// Listen is the host:port to take clients from other processes on, without credentials; port 0 is any free one. Empty
	// means none: only this process can connect.
	Listen string
	// MaxStore is how many bytes JetStream may take on the disk; 0 means 80 % of what is free when the server starts, with
	// what the store holds already counted as free. Where free disk cannot be measured it is the server's own default.
	MaxStore int64
	// MaxAccount is how many bytes the streams may take together, copies counted, as the limit of their account; 0 means no
	// bound but MaxStore.
	MaxAccount int64
	// ServerName names the server within a cluster; default "threadrelay".
	ServerName string
	// Cluster makes the server one of several that keep copies of each other's streams; nil means it is alone.
	Cluster *ClusterConfig
	// Users are those who may connect, from this process too; none means that nobody has to say who they are.
	Users []User
	// Log takes the server's lines; default discards.
	Log *slog.Logger
	// StartTimeout bounds New; default 30 s, for the recovery of large stores.
	StartTimeout time.Duration
}

func (c *Config) setDefaults() {
	if c.ServerName == "" {
		c.ServerName = "threadrelay"
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.StartTimeout == 0 {
		c.StartTimeout = 30 * time.Second
	}
}

// Server is a running NATS server.
type Server struct {
	nats *server.Server
	lock *flock.Flock
}

// New starts a server and returns when it takes connections. It fails with [ErrInUse] if the folder belongs to another
// process, and with a reason if the folder cannot be written.
func New(cfg Config) (*Server, error) {
	cfg.setDefaults()
	if cfg.Dir == "" {
		return nil, errors.New("natsd: Config.Dir is required")
	}
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, err
	}
	s, err := start(cfg)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	return &Server{nats: s, lock: lock}, nil
}

func lockDir(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("natsd: data folder: %w", err)
	}
	lock := flock.New(filepath.Join(dir, "threadrelay.lock"))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("natsd: data folder: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	return lock, nil
}

func options(cfg Config) (*server.Options, error) {
	limit, err := storeLimit(cfg)
	if err != nil {
		return nil, err
	}
	opts := &server.Options{
		ServerName:        cfg.ServerName,
		DontListen:        cfg.Listen == "",
		JetStream:         true,
		JetStreamMaxStore: limit,
		StoreDir:          cfg.Dir,
		SyncAlways:        cfg.SyncAlways,
		Users:             users(cfg.Users),
		NoSigs:            true,
	}
	if cfg.Listen != "" {
		if opts.Host, opts.Port, err = splitListen(cfg.Listen); err != nil {
			return nil, fmt.Errorf("natsd: Config.Listen: %w", err)
		}
	}
	if cfg.Cluster != nil {
		if err := cfg.Cluster.apply(opts); err != nil {
			return nil, err
		}
	}
	return opts, nil
}

func start(cfg Config) (*server.Server, error) {
	opts, err := options(cfg)
	if err != nil {
		return nil, err
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("natsd: %w", err)
	}
	lines := &logger{log: cfg.Log}
	s.SetLoggerV2(lines, false, false, false)
	go s.Start()
	if !isUp(s, lines, cfg.StartTimeout) {
		s.Shutdown()
		s.WaitForShutdown()
		if last := lines.lastProblem(); last != "" {
			return nil, fmt.Errorf("natsd: did not start: %s", last)
		}
		return nil, fmt.Errorf("natsd: did not start within %s", cfg.StartTimeout)
	}
	if err := limitAccount(s, cfg.MaxAccount); err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return nil, err
	}
	return s, nil
}

// isUp waits until the server takes connections, or has said that it never will.
func isUp(s *server.Server, lines *logger, timeout time.Duration) bool {
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline) && !lines.isFatal(); {
		if s.ReadyForConnections(100 * time.Millisecond) {
			return s.JetStreamEnabled()
		}
	}
	return false
}

// splitListen takes host:port apart. Port 0 becomes the server's own number for any free one.
func splitListen(address string) (host string, port int, err error) {
	host, digits, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	if port, err = strconv.Atoi(digits); err != nil {
		return "", 0, fmt.Errorf("port %q is not a number", digits)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// URL is where other processes reach the server; meaningless without Config.Listen.
func (s *Server) URL() string { return s.nats.ClientURL() }

// ClusterURL is where the other servers of the cluster reach this one; empty without Config.Cluster.
func (s *Server) ClusterURL() string {
	at := s.nats.ClusterAddr()
	if at == nil {
		return ""
	}
	return "nats://" + at.String()
}

// MaxStore is how many bytes JetStream may take on the disk.
func (s *Server) MaxStore() int64 { return s.nats.JetStreamConfig().MaxStore }

// Connect returns a connection to the server that does not leave the process.
func (s *Server) Connect(opts ...nats.Option) (*nats.Conn, error) {
	nc, err := nats.Connect("", append([]nats.Option{nats.InProcessServer(s), nats.MaxReconnects(-1)}, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("natsd: connect: %w", err)
	}
	return nc, nil
}

// InProcessConn makes the server usable with [nats.InProcessServer].
func (s *Server) InProcessConn() (net.Conn, error) { return s.nats.InProcessConn() }

// Close stops the server, once everything that it acknowledged is in its files, and frees the folder.
func (s *Server) Close() error {
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
	if err := s.lock.Unlock(); err != nil {
		return fmt.Errorf("natsd: %w", err)
	}
	return nil
}
