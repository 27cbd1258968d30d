package natsd

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
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
