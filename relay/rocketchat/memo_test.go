package rocketchat

import (
	"strconv"
	"testing"
	"time"
)

func TestMemo(t *testing.T) {
	var m memo[int]
	now := time.Now()
	if _, ok := m.get("a", now); ok {
		t.Error("nothing is remembered")
	}
	m.put("a", 1, now.Add(time.Second))
	if v, ok := m.get("a", now); !ok || v != 1 {
		t.Errorf("%d, %t", v, ok)
	}
	if v, ok := m.get("a", now.Add(time.Second)); ok || v != 0 {
		t.Errorf("%d, %t after its time", v, ok)
	}
	m.put("a", 2, now.Add(time.Second))
	if v, _ := m.get("a", now); v != 2 {
		t.Error(v)
	}
	m.forget("a")
	if _, ok := m.get("a", now); ok {
		t.Error("it is not forgotten")
	}
	for i := range maxMemo + 100 {
		m.put(strconv.Itoa(i), i, now.Add(time.Second))
	}
	if _, ok := m.get(strconv.Itoa(maxMemo+99), now); !ok || len(m.rows) != maxMemo {
		t.Errorf("%d rows, the newest %t", len(m.rows), ok)
	}
}
