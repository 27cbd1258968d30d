package bus

import (
	"reflect"
	"testing"
)

func TestPlan(t *testing.T) {
	all := func(n int, position uint64) []reach {
		var out []reach
		for i := range n {
			out = append(out, reach{i, position})
		}
		return out
	}
	cases := []struct {
		name string
		held []reach
		want []route
	}{
		{"nothing", nil, nil},
		{"everything, from the one that is behind the others", []reach{{0, 700}, {1, 500}, {2, 900}, {3, 900}}, []route{{partitions: []int{0, 1, 2, 3}, whole: true, position: 500}}},
		{"half", all(2, 7), []route{{partitions: []int{0, 1}, whole: true, position: 7}}},
		{"less than half", all(1, 7), []route{{partitions: []int{0}, position: 7}}},
		{"at the bound", []reach{{0, 0}, {1, farBehind}}, []route{{partitions: []int{0, 1}, whole: true, position: 0}}},
		{"one far behind", []reach{{0, 5}, {1, farBehind + 6}, {3, farBehind + 9}}, []route{
			{partitions: []int{0}, position: 5},
			{partitions: []int{1, 3}, whole: true, position: farBehind + 6},
		}},
		{"those that are not far behind are too few", []reach{{0, 5}, {1, farBehind + 6}}, []route{
			{partitions: []int{0}, position: 5},
			{partitions: []int{1}, position: farBehind + 6},
		}},
	}
	for _, c := range cases {
		if got := plan(c.held, 4); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestPartitionOf(t *testing.T) {
	cases := map[string]int{
		"relay.events.0.c.t": 0, "relay.events.15.c.t": 15, "relay.events.x.c.t": -1, "relay.events.-1.c.t": -1,
		"relay.actions.1.c.t": -1, "relay.events.1": -1, "": -1,
	}
	for subject, want := range cases {
		got, ok := partitionOf("relay.events.", subject)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %d, want %d", subject, got, want)
		}
	}
}
