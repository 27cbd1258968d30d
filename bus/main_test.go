package bus_test

import (
	"bufio"
	"encoding/json"
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
	if cfg := os.Getenv(serverConfig); cfg != "" {
		if err := runServer(cfg); err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

// serverConfig is the environment variable that makes the test binary a NATS server, with that natsd.Config in JSON.
const serverConfig = "THREADRELAY_TEST_SERVER"

// runServer runs until standard input ends, which it does with the test.
func runServer(config string) error {
	var cfg natsd.Config
	if err := json.Unmarshal([]byte(config), &cfg); err != nil {
		return err
	}
	srv, err := natsd.New(cfg)
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
	return startServer(t, natsd.Config{Dir: dir, Listen: "127.0.0.1:0", SyncAlways: syncAlways})
}

// startServer starts a server in a process of its own, which ends with the test or, at once, with kill.
func startServer(t testing.TB, cfg natsd.Config) (url string, kill func()) {
	t.Helper()
	config, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serverConfig+"="+string(config))
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

// mortal is a server of a cluster that is a process of its own, and whose Stop is kill -9.
type mortal struct {
	t    testing.TB
	cfg  natsd.Config
	kill func()
}

func (m *mortal) Start() { _, m.kill = startServer(m.t, m.cfg) }

func (m *mortal) Stop() { m.kill() }
