package natsd

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/nats-io/nats-server/v2/server"
)

// storeLimit returns the bytes that JetStream may take on the disk, or 0 where that is left to the server.
func storeLimit(cfg Config) (int64, error) {
	if cfg.MaxStore < 0 {
		return 0, fmt.Errorf("natsd: Config.MaxStore: %d is negative", cfg.MaxStore)
	}
	if cfg.MaxStore > 0 {
		return cfg.MaxStore, nil
	}
	free, ok, err := freeDisk(cfg.Dir)
	if err != nil {
		return 0, fmt.Errorf("natsd: free disk of %s: %w", cfg.Dir, err)
	}
	if !ok {
		return 0, nil
	}
	held, err := sizeOf(cfg.Dir)
	if err != nil {
		return 0, fmt.Errorf("natsd: size of %s: %w", cfg.Dir, err)
	}
	limit := (free + held) / 5 * 4
	if limit == 0 {
		return 0, fmt.Errorf("natsd: no disk is free at %s", cfg.Dir)
	}
	return limit, nil
}

// sizeOf adds up the files below a folder, in bytes. Files that go away meanwhile do not count.
func sizeOf(dir string) (int64, error) {
	var total int64
	err := filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		total += info.Size()
		return nil
	})
	return total, err
}

// limitAccount bounds what the streams of the only account may take; 0 is no bound.
func limitAccount(s *server.Server, bytes int64) error {
	if bytes == 0 {
		return nil
	}
	limits := server.JetStreamAccountLimits{
		MaxMemory: -1, MaxStore: bytes, MaxStreams: -1, MaxConsumers: -1, MaxAckPending: -1, MemoryMaxStreamBytes: -1, StoreMaxStreamBytes: -1,
	}
	if err := s.GlobalAccount().UpdateJetStreamLimits(map[string]server.JetStreamAccountLimits{"": limits}); err != nil {
		return fmt.Errorf("natsd: Config.MaxAccount: %w", err)
	}
	return nil
}
