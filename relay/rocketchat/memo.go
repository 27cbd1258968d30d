package rocketchat

import (
	"sync"
	"time"
)

// maxMemo bounds what a memo holds: some hundred bytes each.
const maxMemo = 10_000

// memo remembers values for a while. The zero value is empty and ready.
type memo[V any] struct {
	mu   sync.Mutex
	rows map[string]memoRow[V]
}

type memoRow[V any] struct {
	value V
	until time.Time
}

// get returns what is remembered of a key.
func (m *memo[V]) get(key string, now time.Time) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := m.rows[key]
	if !ok || !now.Before(row.until) {
		var none V
		return none, false
	}
	return row.value, true
}

// put remembers a value until a time. When there are many, whichever is forgotten: it costs a look-up.
func (m *memo[V]) put(key string, value V, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows == nil {
		m.rows = make(map[string]memoRow[V])
	}
	if _, there := m.rows[key]; !there {
		for other := range m.rows {
			if len(m.rows) < maxMemo {
				break
			}
			delete(m.rows, other)
		}
	}
	m.rows[key] = memoRow[V]{value: value, until: until}
}

// forget drops a key.
func (m *memo[V]) forget(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.rows, key)
}
