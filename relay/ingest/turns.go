package ingest

// turns shares calls among classes by smooth weighted round-robin: live sources with the rest, and the rest among
// themselves.
type turns struct {
	live int // the live sources' credit, which is what the rest owe
	rest [classes]int
}

// next returns the class whose turn it is, among those that want one. At least one does.
func (t *turns) next(wants [classes]bool) class {
	others := wants[behind] || wants[idle] || wants[threads]
	switch {
	case !others:
		return live
	case !wants[live]:
		return t.among(wants)
	case t.live+liveWeight >= 1-t.live:
		t.live--
		return live
	}
	t.live += liveWeight
	return t.among(wants)
}

// among is next without the live sources.
func (t *turns) among(wants [classes]bool) class {
	var total int
	best := classes
	for c := behind; c < classes; c++ {
		if !wants[c] {
			continue
		}
		total += c.weight()
		t.rest[c] += c.weight()
		if best == classes || t.rest[c] > t.rest[best] {
			best = c
		}
	}
	t.rest[best] -= total
	return best
}
