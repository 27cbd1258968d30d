package bus

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"
)

// share says which member is to hold which partition: rendezvous hashing with bounded load. The result depends on the set of
// members alone, so that all of them come to the same one without talking about it. Nobody gets more than
// ⌈partitions / members⌉, or fewer than one less than the most loaded.
func share(partitions int, members []string) []string {
	if len(members) == 0 {
		return make([]string, partitions)
	}
	least, extras := partitions/len(members), partitions%len(members)
	load := make(map[string]int, len(members))
	owners := make([]string, partitions)
	for n := range partitions {
		for _, m := range ranked(n, members) {
			if load[m] > least || load[m] == least && extras == 0 {
				continue
			}
			if load[m] == least {
				extras--
			}
			load[m]++
			owners[n] = m
			break
		}
	}
	return owners
}

// ranked orders members by how much a partition prefers them, the most preferred first.
func ranked(partition int, members []string) []string {
	weights := make(map[string]uint64, len(members))
	for _, m := range members {
		weights[m] = weight(partition, m)
	}
	return slices.SortedFunc(slices.Values(members), func(a, b string) int {
		return cmp.Or(cmp.Compare(weights[b], weights[a]), cmp.Compare(a, b))
	})
}

func weight(partition int, member string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(member + "/" + strconv.Itoa(partition))) // a hash takes everything
	x := h.Sum64()
	x ^= x >> 33 // FNV leaves neighbours alike: mix the bits
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return x
}
