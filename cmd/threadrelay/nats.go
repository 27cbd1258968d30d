package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// dialNATS connects to an external server. It fails if none can be reached now; later outages are sat out.
func dialNATS(cfg natsConfig, log *slog.Logger) (*nats.Conn, error) {
	opts := append(connectionLog(log),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(500*time.Millisecond),
		nats.ReconnectJitter(500*time.Millisecond, time.Second),
		nats.Timeout(5*time.Second),
		nats.PingInterval(10*time.Second),
		nats.MaxPingsOutstanding(2),
		nats.ReconnectBufSize(-1)) // whoever publishes during an outage is told so at once
	if cfg.Creds != "" {
		opts = append(opts, nats.UserCredentials(cfg.Creds))
	}
	if cfg.User != "" {
		opts = append(opts, nats.UserInfo(cfg.User, cfg.Password.Reveal()))
	}
	if prefix := inbox(cfg.User); prefix != "" {
		opts = append(opts, nats.CustomInboxPrefix(prefix))
	}
	if cfg.CA != "" {
		opts = append(opts, nats.RootCAs(cfg.CA))
	}
	if cfg.Cert != "" {
		opts = append(opts, nats.ClientCert(cfg.Cert, cfg.Key))
	}
	nc, err := nats.Connect(cfg.URL.Reveal(), opts...)
	if err != nil {
		return nil, fmt.Errorf("NATS_URL: %s: %w", cfg.URL, err)
	}
	return nc, nil
}

// inbox is where answers to a user arrive, below which nobody else has to be allowed to listen: see bus/PERMISSIONS.md. It is
// empty for a name that cannot be part of a subject.
func inbox(user string) string {
	if user == "" || strings.Trim(user, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" {
		return ""
	}
	return "_INBOX." + user
}

// connectionLog tells the log when the connection is lost and when it is back.
func connectionLog(log *slog.Logger) []nats.Option {
	return []nats.Option{
		nats.Name("threadrelay"),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Error("connection to NATS lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("connection to NATS is back", "server", nc.ConnectedServerName()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if !errors.Is(err, nats.ErrConnectionClosed) {
				log.Debug("nats", "error", err)
			}
		}),
	}
}
