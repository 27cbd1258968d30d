package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// maxInline is the size of a record, in bytes, above which its arrears are put into entries of their own, of chunkLanes
	// threads each. NATS takes 1 MiB in one message.
	maxInline  = 512 << 10
	chunkLanes = 8000
)

// spread stores the arrears in entries of their own and returns the record that names them. The entries are written before
// the record and never changed; a record that comes to be names entries that are there.
func (r *record) spread(ctx context.Context, p progress) (progress, error) {
	all := p.Arrears
	p.Arrears, p.Chunks = nil, nil
	for chunk := range slices.Chunk(all, chunkLanes) {
		data, err := json.Marshal(chunk)
		if err != nil {
			return p, err
		}
		key := fmt.Sprintf("%s.arrears.%d-%d-%d", r.key, p.Epoch, p.Write, len(p.Chunks))
		if _, err := r.kv.Put(ctx, key, s2.EncodeBetter(nil, data)); err != nil {
			return p, err
		}
		p.Chunks = append(p.Chunks, key)
	}
	return p, nil
}

// errMoved means that a record was replaced while its entries were being read.
var errMoved = errors.New("the record has moved on")

// gather reads the arrears back that were spread.
func (r *record) gather(ctx context.Context, p *progress) error {
	for _, key := range p.Chunks {
		entry, err := r.kv.Get(ctx, key)
		if errors.Is(err, jetstream.ErrKeyNotFound) {
			return errMoved
		}
		if err != nil {
			return err
		}
		data, err := s2.Decode(nil, entry.Value())
		if err != nil {
			return err
		}
		var chunk []arrear
		if err := json.Unmarshal(data, &chunk); err != nil {
			return err
		}
		p.Arrears = append(p.Arrears, chunk...)
	}
	return nil
}

// sweep removes the entries that no record names any more: those of the last write, and after a take-over whatever a
// process left behind that ended between its entries and its record.
func (r *record) sweep(ctx context.Context, everything bool, keep []string) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	old := r.chunks
	r.chunks = keep
	if everything {
		if keys, err := r.kv.ListKeysFiltered(ctx, r.key+".arrears.>"); err == nil {
			for key := range keys.Keys() {
				old = append(old, key)
			}
		}
	}
	for _, key := range old {
		if !slices.Contains(keep, key) {
			_ = r.kv.Purge(ctx, key) // what stays behind costs space until the next take-over
		}
	}
}
