package bus

import (
	"cmp"
	"slices"
)

// farBehind is the distance, in messages of the stream, at which a partition is not read together with others that are
// ahead of it: they would wait until it has come up to them.
const farBehind = 100_000

// reach says how far a partition has been read.
type reach struct {
	partition int
	position  uint64 // everything up to here, and of the stream's later messages maybe none yet
}

// route is what one cursor reads: some partitions, from behind a position on.
type route struct {
	partitions []int // those that get messages from it
	whole      bool  // without a filter: the others' messages are read too, and passed over
	position   uint64
}

// plan says how partitions are read best: the whole stream once if at least half of it is wanted, since the server finds a
// partition's messages only by looking at all of them; a partition by itself if it is far behind the others.
func plan(held []reach, partitions int) []route {
	if len(held) == 0 {
		return nil
	}
	var front uint64
	for _, h := range held {
		front = max(front, h.position)
	}
	var near []reach
	var out []route
	for _, h := range held {
		if front-h.position > farBehind {
			out = append(out, route{partitions: []int{h.partition}, position: h.position})
		} else {
			near = append(near, h)
		}
	}
	if 2*len(near) < partitions {
		for _, h := range near {
			out = append(out, route{partitions: []int{h.partition}, position: h.position})
		}
		return out
	}
	all := route{whole: true, position: slices.MinFunc(near, func(a, b reach) int { return cmp.Compare(a.position, b.position) }).position}
	for _, h := range near {
		all.partitions = append(all.partitions, h.partition)
	}
	return append(out, all)
}
