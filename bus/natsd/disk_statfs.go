//go:build linux || darwin

package natsd

import (
	"math"
	"syscall"
)

// freeDisk returns the bytes that an ordinary user may still write where dir is; ok is false if that cannot be told.
func freeDisk(dir string) (free int64, ok bool, err error) {
	var disk syscall.Statfs_t
	if err := syscall.Statfs(dir, &disk); err != nil {
		return 0, false, err
	}
	blocks, size := disk.Bavail, uint64(max(disk.Bsize, 1)) //nolint:gosec // a block's size is not negative
	if blocks > math.MaxInt64/8/size {
		return math.MaxInt64 / 8, true, nil // some network file systems know no bounds
	}
	return int64(blocks * size), true, nil //nolint:gosec // bounded above
}
