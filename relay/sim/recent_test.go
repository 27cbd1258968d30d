package sim

import "testing"

func TestRecentKeepsTheNewest(t *testing.T) {
	var r recent[int]
	for n := 1; n <= 3*keptRecords; n++ {
		r.add(n)
		if len(r.items) > 2*keptRecords {
			t.Fatalf("holds %d items", len(r.items))
		}
	}
	if got := r.list(); len(got) != keptRecords || got[0] != 2*keptRecords+1 || got[len(got)-1] != 3*keptRecords {
		t.Errorf("%d items from %d to %d", len(got), got[0], got[len(got)-1])
	}
}
