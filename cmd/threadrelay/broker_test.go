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

// The environment variables that make the test binary a NATS server with its data in a folder, and say where it listens.
const (
	brokerDir    = "THREADRELAY_TEST_BROKER_DIR"
	brokerListen = "THREADRELAY_TEST_BROKER_LISTEN"
)

// runBroker runs until standard input ends, which it does with the test.
func runBroker(dir, listen string) error {
	srv, err := natsd.New(natsd.Config{Dir: dir, Listen: listen})
	if err != nil {
		return err
	}
	fmt.Println(srv.URL())
	_, err = io.Copy(io.Discard, os.Stdin)
	return errors.Join(err, srv.Close())
}

// broker is a NATS server in a process of its own, which stays at its address when it is started again.
type broker struct {
	tb      testing.TB
	dir     string
	address string // host:port
	cmd     *exec.Cmd
	in      io.Closer
}

// startBroker starts a server that ends with the test.
func startBroker(tb testing.TB) *broker {
	tb.Helper()
	b := &broker{tb: tb, dir: tb.TempDir(), address: "127.0.0.1:0"}
	b.start()
	tb.Cleanup(b.stop)
	return b
}

func (b *broker) start() {
	b.tb.Helper()
	self, err := os.Executable()
	if err != nil {
		b.tb.Fatal(err)
	}
	b.cmd = exec.Command(self)
	b.cmd.Env = append(os.Environ(), brokerDir+"="+b.dir, brokerListen+"="+b.address)
	b.cmd.Stderr = os.Stderr
	if b.in, err = b.cmd.StdinPipe(); err != nil {
		b.tb.Fatal(err)
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		b.tb.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		b.tb.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.tb.Fatalf("the NATS server did not start: %v", err)
	}
	b.address = strings.TrimPrefix(strings.TrimSpace(line), "nats://")
}

// stop stops the server in the orderly way, and kill does not.
func (b *broker) stop() {
	_ = b.in.Close()
	_ = b.cmd.Wait()
}

func (b *broker) kill() {
	_ = b.cmd.Process.Kill()
	b.stop()
}

// connect opens a connection that comes back by itself, and is closed when the test ends.
func (b *broker) connect() *nats.Conn {
	b.tb.Helper()
	nc, err := nats.Connect(b.address, nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true))
	if err != nil {
		b.tb.Fatal(err)
	}
	b.tb.Cleanup(nc.Close)
	return nc
}
