package sim

// keptRecords is how many requests and deliveries are remembered.
const keptRecords = 10000

// recent keeps the newest keptRecords items.
type recent[T any] struct{ items []T }

func (r *recent[T]) add(item T) {
	if len(r.items) >= 2*keptRecords {
		r.items = append([]T(nil), r.items[len(r.items)-keptRecords+1:]...)
	}
	r.items = append(r.items, item)
}

// list copies the newest items, oldest first.
func (r *recent[T]) list() []T {
	from := max(0, len(r.items)-keptRecords)
	return append([]T(nil), r.items[from:]...)
}
