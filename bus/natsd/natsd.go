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
	// Log takes the server's lines; default discards.
	Log *slog.Logger
	// StartTimeout bounds New; default 30 s, for the recovery of large stores.
	StartTimeout time.Duration
}

func (c *Config) setDefaults() {
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

func start(cfg Config) (*server.Server, error) {
	opts := &server.Options{
		ServerName: "threadrelay",
		DontListen: cfg.Listen == "",
		JetStream:  true,
		StoreDir:   cfg.Dir,
		SyncAlways: cfg.SyncAlways,
		NoSigs:     true,
	}
	if cfg.Listen != "" {
		if err := listenOn(opts, cfg.Listen); err != nil {
			return nil, err
		}
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

func listenOn(opts *server.Options, address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("natsd: Config.Listen: %w", err)
	}
	if opts.Port, err = strconv.Atoi(port); err != nil {
		return fmt.Errorf("natsd: Config.Listen: port %q is not a number", port)
	}
	if opts.Port == 0 {
		opts.Port = server.RANDOM_PORT
	}
	opts.Host = host
	return nil
}

// URL is where other processes reach the server; meaningless without Config.Listen.
func (s *Server) URL() string { return s.nats.ClientURL() }

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
