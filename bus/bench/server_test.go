package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/threadrelay/threadrelay/bus/natsd"
)

// serverDir is the environment variable that makes the test binary a NATS server with its data in that folder.
const serverDir = "THREADRELAY_BENCH_SERVER_DIR"

// TestMain runs the tests, or the server process for one of them.
func TestMain(m *testing.M) {
	if dir := os.Getenv(serverDir); dir != "" {
		if err := runServer(dir); err != nil {
			fmt.Fprintln(os.Stderr, "server:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

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

// server is a NATS server in a process of its own, as users of either library have it.
type server struct {
	tb  testing.TB
	url string
}

func startServer(tb testing.TB) server {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serverDir+"="+tb.TempDir())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		tb.Fatal(err)
	}
	return server{tb, strings.TrimSpace(line)}
}

// connect opens a connection, which is closed when the test ends.
func (s server) connect() *nats.Conn {
	s.tb.Helper()
	nc, err := nats.Connect(s.url)
	if err != nil {
		s.tb.Fatal(err)
	}
	s.tb.Cleanup(nc.Close)
	return nc
}
