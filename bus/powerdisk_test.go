//go:build linux

package bus_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// powerDisk is the model of what a disk holds when the power fails: that of a file system with an ordered journal of its
// metadata and delayed allocation, as XFS is, and ext4 without its special care for files that are renamed.
//
//   - What is written to a file is lost unless the file was synced afterwards, or was opened to write through (O_SYNC, O_DSYNC).
//   - What is done to names and sizes (create, mkdir, rename, unlink, rmdir, truncate) is in the journal in the order in which
//     it was done. A sync of any file or folder makes the whole journal durable, and nothing else does; so a file can be there
//     under its name without what was written to it.
//   - Neither time nor memory pressure makes anything durable: it is the worst moment that such a file system allows.
type powerDisk struct {
	mu      sync.Mutex
	off     bool
	live    powerTree              // the names as programs see them
	durable powerTree              // the names as they are after a power cut
	journal []func(tree powerTree) // what has to be done to durable to bring it up to live
}

// powerTree is files by their path below the root; folders are nil.
type powerTree map[string]*powerFile

// powerFile is what is known of a file's content.
type powerFile struct {
	durable []byte
	pending []powerWrite // since the last sync
}

type powerWrite struct {
	offset int64
	data   []byte
}

// powerLoss is what a power cut took.
type powerLoss struct{ bytes, changes int }

// newPowerDisk is a disk on which everything in dir is durable.
func newPowerDisk(dir string) (*powerDisk, error) {
	d := &powerDisk{live: powerTree{}, durable: powerTree{}}
	root := os.DirFS(dir)
	return d, fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "." {
			return err
		}
		var f *powerFile
		if !entry.IsDir() {
			content, err := fs.ReadFile(root, path)
			if err != nil {
				return err
			}
			f = &powerFile{durable: content}
		}
		d.live[path], d.durable[path] = f, f
		return nil
	})
}

// change does something to names: do does it to the files that programs see, and op says it of a tree.
func (d *powerDisk) change(do func() syscall.Errno, op func(powerTree)) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return syscall.EIO
	}
	if errno := do(); errno != 0 {
		return errno
	}
	op(d.live)
	d.journal = append(d.journal, op)
	return 0
}

// create makes or opens a file and returns it.
func (d *powerDisk) create(path string, truncate bool, do func() syscall.Errno) (*powerFile, syscall.Errno) {
	f := &powerFile{}
	errno := d.change(do, func(t powerTree) {
		if t[path] == nil {
			t[path] = f
		}
	})
	if errno != 0 {
		return nil, errno
	}
	f = d.file(path)
	if truncate {
		d.truncate(f, 0)
	}
	return f, 0
}

func (d *powerDisk) file(path string) *powerFile {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.live[path]
}

// truncate takes note that f has another size.
func (d *powerDisk) truncate(f *powerFile, size int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, w := range f.pending {
		keep := min(max(size-w.offset, 0), int64(len(w.data)))
		f.pending[i].data = w.data[:keep]
	}
	d.journal = append(d.journal, func(powerTree) { f.resize(size) })
}

// write does what do does, and takes note of it.
func (d *powerDisk) write(f *powerFile, w powerWrite, through bool, do func() syscall.Errno) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return syscall.EIO
	}
	if errno := do(); errno != 0 {
		return errno
	}
	f.pending = append(f.pending, powerWrite{offset: w.offset, data: slices.Clone(w.data)})
	if through {
		d.commit(f)
	}
	return 0
}

// sync makes durable what was written to f, which is nil for a folder, and the journal.
func (d *powerDisk) sync(f *powerFile) syscall.Errno {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.off {
		return syscall.EIO
	}
	d.commit(f)
	return 0
}

func (d *powerDisk) commit(f *powerFile) {
	for _, op := range d.journal {
		op(d.durable)
	}
	d.journal = d.journal[:0]
	if f == nil {
		return
	}
	for _, w := range f.pending {
		if end := w.offset + int64(len(w.data)); len(w.data) > 0 && end > int64(len(f.durable)) {
			f.resize(end)
		}
		if len(w.data) > 0 {
			copy(f.durable[w.offset:], w.data)
		}
	}
	f.pending = nil
}

func (f *powerFile) resize(size int64) {
	if more := size - int64(len(f.durable)); more > 0 {
		f.durable = append(f.durable, make([]byte, more)...)
		return
	}
	f.durable = f.durable[:size]
}

// cut ends all that is done on the disk, writes what is durable into the folder dir, and says what was lost.
func (d *powerDisk) cut(dir string) (powerLoss, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	lost := powerLoss{changes: len(d.journal)}
	for _, f := range d.live {
		if f != nil {
			for _, w := range f.pending {
				lost.bytes += len(w.data)
			}
		}
	}
	var errs []error
	for path, f := range d.durable {
		at := filepath.Join(dir, filepath.FromSlash(path))
		if f == nil {
			errs = append(errs, os.MkdirAll(at, 0o700))
			continue
		}
		errs = append(errs, os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, f.durable, 0o600))
	}
	return lost, errors.Join(errs...)
}

// rename moves a file or a folder with all that is in it, in place of what was there.
func (t powerTree) rename(from, to string) {
	moved := powerTree{}
	for path, f := range t {
		if rest, ok := strings.CutPrefix(path, from); ok && (rest == "" || rest[0] == '/') {
			moved[to+rest] = f
			delete(t, path)
		}
	}
	t.remove(to)
	for path, f := range moved {
		t[path] = f
	}
}

// remove takes a file or a folder away.
func (t powerTree) remove(path string) {
	for p := range t {
		if p == path || strings.HasPrefix(p, path+"/") {
			delete(t, p)
		}
	}
}
