//go:build linux

package bus_test

import (
	"context"
	"errors"
	"os"
	"path"
	"sync"
	"syscall"
	"testing"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// powerFS is a folder, dir, whose power can be cut: see powerDisk. What programs see lies in a folder behind it.
type powerFS struct {
	dir     string
	disk    *powerDisk
	unmount func()
}

// mountPower mounts a folder with what is in the folder behind. A machine that cannot do it skips the test, unless everything
// is required.
func mountPower(t *testing.T, behind string) *powerFS {
	t.Helper()
	disk, err := newPowerDisk(behind)
	if err != nil {
		t.Fatal(err)
	}
	root, err := fs.NewLoopbackRoot(behind)
	if err != nil {
		t.Fatal(err)
	}
	inner, ok := root.(*fs.LoopbackNode)
	if !ok {
		t.Fatalf("the root is a %T", root)
	}
	dir := t.TempDir()
	options := fuse.MountOptions{DirectMountStrict: true, FsName: "threadrelay-power", Name: "power"}
	server, err := fs.Mount(dir, &powerNode{LoopbackNode: inner, disk: disk}, &fs.Options{MountOptions: options})
	if err != nil {
		cannotMount(t, err)
	}
	unmount := sync.OnceFunc(func() {
		if server.Unmount() == nil {
			return
		}
		if err := syscall.Unmount(dir, syscall.MNT_DETACH|syscall.MNT_FORCE); err != nil {
			t.Errorf("%s stays mounted: %v", dir, err)
			return
		}
		server.Wait()
	})
	t.Cleanup(unmount)
	return &powerFS{dir: dir, disk: disk, unmount: unmount}
}

func cannotMount(t *testing.T, err error) {
	t.Helper()
	_, missing := os.Stat("/dev/fuse")
	if os.Getenv("THREADRELAY_REQUIRE_ALL") == "1" {
		t.Fatalf("the power cut was not tried, and THREADRELAY_REQUIRE_ALL is set: %v", errors.Join(err, missing))
	}
	t.Skipf("THE POWER CUT WAS NOT TRIED: a file system cannot be mounted here, it needs root and /dev/fuse: %v", errors.Join(err, missing))
}

// PowerCut unmounts the folder and returns another one with what was durable. Processes that used it must have ended.
func (p *powerFS) PowerCut(t *testing.T) (string, powerLoss) {
	t.Helper()
	after := t.TempDir()
	lost, err := p.disk.cut(after)
	if err != nil {
		t.Fatal(err)
	}
	p.unmount()
	return after, lost
}

// powerNode is a file or a folder. What could go past the model is refused: links, special files, and, because the handles
// are not the loopback's own, descriptors passed to the kernel, copies within it, and allocation ahead.
type powerNode struct {
	*fs.LoopbackNode
	disk *powerDisk
}

func (n *powerNode) WrapChild(_ context.Context, ops fs.InodeEmbedder) fs.InodeEmbedder {
	inner, ok := ops.(*fs.LoopbackNode)
	if !ok {
		return ops
	}
	return &powerNode{LoopbackNode: inner, disk: n.disk}
}

func (n *powerNode) at(name string) string { return path.Join(n.Path(n.Root()), name) }

func (n *powerNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (
	inode *fs.Inode, fh fs.FileHandle, fuseFlags uint32, errno syscall.Errno,
) {
	f, failed := n.disk.create(n.at(name), flags&syscall.O_TRUNC != 0, func() syscall.Errno {
		inode, fh, fuseFlags, errno = n.LoopbackNode.Create(ctx, name, flags, mode, out)
		return errno
	})
	if failed != 0 {
		return nil, nil, 0, failed
	}
	h, errno := n.handle(f, fh, flags)
	return inode, h, fuseFlags, errno
}

func (n *powerNode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	f := n.disk.file(n.at(""))
	if f == nil {
		return nil, 0, syscall.ENOENT
	}
	fh, fuseFlags, errno := n.LoopbackNode.Open(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	if flags&syscall.O_TRUNC != 0 {
		n.disk.truncate(f, 0)
	}
	h, errno := n.handle(f, fh, flags)
	return h, fuseFlags, errno
}

func (n *powerNode) handle(f *powerFile, fh fs.FileHandle, flags uint32) (fs.FileHandle, syscall.Errno) {
	inner, ok := fh.(*fs.LoopbackFile)
	if !ok {
		return nil, syscall.EIO
	}
	return &powerHandle{inner: inner, file: f, disk: n.disk, through: flags&(syscall.O_SYNC|syscall.O_DSYNC) != 0}, 0
}

func (n *powerNode) Setattr(ctx context.Context, h fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	var f *powerFile
	inner := h
	if own, ok := h.(*powerHandle); ok {
		f, inner = own.file, own.inner
	} else {
		f = n.disk.file(n.at(""))
	}
	errno := n.LoopbackNode.Setattr(ctx, inner, in, out)
	if size, ok := in.GetSize(); ok && errno == 0 && f != nil {
		n.disk.truncate(f, int64(size)) //nolint:gosec // the file has this size
	}
	return errno
}

func (n *powerNode) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (inode *fs.Inode, errno syscall.Errno) {
	p := n.at(name)
	errno = n.disk.change(func() (failed syscall.Errno) {
		inode, failed = n.LoopbackNode.Mkdir(ctx, name, mode, out)
		return failed
	}, func(t powerTree) { t[p] = nil })
	return inode, errno
}

func (n *powerNode) Unlink(ctx context.Context, name string) syscall.Errno {
	p := n.at(name)
	return n.disk.change(func() syscall.Errno { return n.LoopbackNode.Unlink(ctx, name) }, func(t powerTree) { t.remove(p) })
}

func (n *powerNode) Rmdir(ctx context.Context, name string) syscall.Errno {
	p := n.at(name)
	return n.disk.change(func() syscall.Errno { return n.LoopbackNode.Rmdir(ctx, name) }, func(t powerTree) { t.remove(p) })
}

func (n *powerNode) Rename(ctx context.Context, name string, parent fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	to, ok := parent.(*powerNode)
	if !ok || flags != 0 {
		return syscall.EINVAL
	}
	from, dest := n.at(name), to.at(newName)
	return n.disk.change(func() syscall.Errno { return n.LoopbackNode.Rename(ctx, name, to.LoopbackNode, newName, 0) },
		func(t powerTree) { t.rename(from, dest) })
}

// Fsync is that of a file, by its handle.
func (n *powerNode) Fsync(_ context.Context, h fs.FileHandle, _ uint32) syscall.Errno {
	if own, ok := h.(*powerHandle); ok {
		return n.disk.sync(own.file)
	}
	return n.disk.sync(nil)
}

func (n *powerNode) OpendirHandle(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	h, fuseFlags, errno := n.LoopbackNode.OpendirHandle(ctx, flags)
	if errno != 0 {
		return nil, 0, errno
	}
	entries, reads := h.(fs.FileReaddirenter)
	release, releases := h.(fs.FileReleasedirer)
	if !reads || !releases {
		return nil, 0, syscall.EIO
	}
	return &powerFolder{FileReaddirenter: entries, FileReleasedirer: release, disk: n.disk}, fuseFlags, 0
}

func (n *powerNode) Link(context.Context, fs.InodeEmbedder, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

func (n *powerNode) Symlink(context.Context, string, string, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

func (n *powerNode) Mknod(context.Context, string, uint32, uint32, *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	return nil, syscall.EPERM
}

// powerFolder is an open folder.
type powerFolder struct {
	fs.FileReaddirenter
	fs.FileReleasedirer
	disk *powerDisk
}

// Fsyncdir makes the journal durable.
func (f *powerFolder) Fsyncdir(context.Context, uint32) syscall.Errno { return f.disk.sync(nil) }

// powerHandle is an open file.
type powerHandle struct {
	inner   *fs.LoopbackFile
	file    *powerFile
	disk    *powerDisk
	through bool
}

func (h *powerHandle) Read(ctx context.Context, buf []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	return h.inner.Read(ctx, buf, off)
}

func (h *powerHandle) Write(ctx context.Context, data []byte, off int64) (n uint32, errno syscall.Errno) {
	errno = h.disk.write(h.file, powerWrite{offset: off, data: data}, h.through, func() (failed syscall.Errno) {
		n, failed = h.inner.Write(ctx, data, off)
		return failed
	})
	return n, errno
}

func (h *powerHandle) Getattr(ctx context.Context, out *fuse.AttrOut) syscall.Errno {
	return h.inner.Getattr(ctx, out)
}

func (h *powerHandle) Release(ctx context.Context) syscall.Errno { return h.inner.Release(ctx) }
