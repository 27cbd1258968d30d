package bus_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/threadrelay/threadrelay/bus/natsd"
)

// TestMain runs the tests, or a worker or server process for one of them.
func TestMain(m *testing.M) {
	if url := os.Getenv(workerURL); url != "" {
		if err := runWorker(url, os.Getenv(workerTTL)); err != nil {
			fmt.Fprintln(os.Stderr, "worker:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv(serverDir); dir != "" {
		if err := runServer(dir, os.Getenv(serverSync) != ""); err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// The environment variables that make the test binary a NATS server with its data in that folder, and one that writes through
// to the disk.
const (
	serverDir  = "THREADRELAY_TEST_SERVER_DIR"
	serverSync = "THREADRELAY_TEST_SERVER_SYNC"
)

// runServer runs until standard input ends, which it does with the test.
func runServer(dir string, syncAlways bool) error {
	srv, err := natsd.New(natsd.Config{Dir: dir, Listen: "127.0.0.1:0", SyncAlways: syncAlways})
	if err != nil {
		return err
	}
	fmt.Println(srv.URL())
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, srv.Close())
}

// serverApart runs a NATS server in a process of its own and returns its address.
func serverApart(t testing.TB) string {
	t.Helper()
	url, _ := killableServer(t, t.TempDir(), false)
	return url
}

// killableServer is serverApart on a folder; kill ends the process at once, as kill -9 does.
func killableServer(t testing.TB, dir string, syncAlways bool) (url string, kill func()) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serverDir+"="+dir)
	if syncAlways {
		cmd.Env = append(cmd.Env, serverSync+"=1")
	}
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	wait := sync.OnceFunc(func() { _ = cmd.Wait() })
	t.Cleanup(func() {
		_ = in.Close()
		wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line), func() {
		_ = cmd.Process.Kill()
		wait()
	}
}
