package bus_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
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
		if err := runServer(dir); err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// serverDir is the environment variable that makes the test binary a NATS server with its data in that folder.
const serverDir = "THREADRELAY_TEST_SERVER_DIR"

// runServer runs until standard input ends, which it does with the test.
func runServer(dir string) error {
	srv, err := natsd.New(natsd.Config{Dir: dir, Listen: "127.0.0.1:0"})
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
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serverDir+"="+t.TempDir())
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
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(url)
}
