package bus

import (
	"fmt"
	"slices"
	"testing"
)

func TestShareIsEvenAndAgreed(t *testing.T) {
	for members := 1; members <= 20; members++ {
		var names []string
		for i := range members {
			names = append(names, fmt.Sprint("member", i))
		}
		owners := share(16, names)
		load := map[string]int{}
		for n, o := range owners {
			if o == "" {
				t.Errorf("%d members: nobody holds partition %d", members, n)
			}
			load[o]++
		}
		for _, name := range names {
			if most := (16 + members - 1) / members; load[name] > most || load[name] < 16/members {
				t.Errorf("%d members: %s holds %d", members, name, load[name])
			}
		}
		slices.Reverse(names)
		if again := share(16, names); !slices.Equal(again, owners) {
			t.Errorf("%d members: another order of members gave another share", members)
		}
	}
	if got := share(3, nil); !slices.Equal(got, []string{"", "", ""}) {
		t.Errorf("without members: %v", got)
	}
}

// When one of ten leaves, most partitions stay where they are.
func TestShareMovesLittle(t *testing.T) {
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprint("member", i))
	}
	before, after := share(160, names), share(160, names[:9])
	moved := 0
	for n := range before {
		if before[n] != after[n] && before[n] != "member9" {
			moved++
		}
	}
	if moved > 50 {
		t.Errorf("%d of 144 partitions moved that had no need to", moved)
	}
}
