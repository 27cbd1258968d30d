package bus_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus/bustest"
)

// written is what a progress record says.
type written struct {
	Owner   string
	Done    uint64
	Arrears []any
}

// recordsIn reads the progress records of a group on the events topic; those that there are not are zero.
func recordsIn(t *testing.T, kv jetstream.KeyValue, group string) [16]written {
	t.Helper()
	var records [16]written
	for n := range records {
		entry, err := kv.Get(bustest.Context(t), fmt.Sprintf("%s.events.%d", group, n))
		if err != nil {
			continue
		}
		data := entry.Value()
		if !bytes.HasPrefix(data, []byte("{")) {
			if data, err = s2.Decode(nil, data); err != nil {
				t.Fatal(err)
			}
		}
		if err := json.Unmarshal(data, &records[n]); err != nil {
			t.Fatal(err)
		}
	}
	return records
}

// ownersIn counts a group's partitions of the events topic by owner.
func ownersIn(t *testing.T, kv jetstream.KeyValue, group string) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, r := range recordsIn(t, kv, group) {
		count[r.Owner]++
	}
	return count
}

// awaitOwners waits until a number of members hold all partitions, none of them more than most.
func awaitOwners(t *testing.T, srv *bustest.Server, group string, members, most int) {
	t.Helper()
	var got map[string]int
	for deadline := time.Now().Add(bustest.Patience); time.Now().Before(deadline); {
		got = owners(t, srv, group)
		settled := len(got) == members && got[""] == 0
		for _, n := range got {
			settled = settled && n <= most
		}
		if settled {
			return
		}
	}
	t.Fatalf("the partitions did not settle on %d members with at most %d each: %v", members, most, got)
}
