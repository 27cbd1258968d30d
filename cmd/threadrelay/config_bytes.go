package main

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// bytesize is a number of bytes.
type bytesize int64

// UnmarshalText reads a whole number of bytes, or one with a unit: KB, MB and GB are powers of 1000, KiB, MiB and GiB of
// 1024. White space between the two and the case of the unit do not count.
func (b *bytesize) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(strings.ToLower(string(text)), "abcdefghijklmnopqrstuvwxyz")
	unit := int64(1)
	switch strings.ToLower(string(text))[len(digits):] {
	case "", "b":
	case "kb":
		unit = 1000
	case "mb":
		unit = 1000 * 1000
	case "gb":
		unit = 1000 * 1000 * 1000
	case "kib":
		unit = 1 << 10
	case "mib":
		unit = 1 << 20
	case "gib":
		unit = 1 << 30
	default:
		return errors.New("unknown unit")
	}
	n, err := strconv.ParseUint(strings.TrimSpace(digits), 10, 63)
	if err != nil {
		return err
	}
	if n > uint64(math.MaxInt64/unit) {
		return errors.New("too large")
	}
	*b = bytesize(int64(n) * unit) //nolint:gosec // bounded above
	return nil
}
