package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/bustest"
)

// serveTest serves h until the returned function is called, which returns what serveHTTP did.
func serveTest(t *testing.T, h http.HandlerFunc) (address string, stop func() error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- serveHTTP(ctx, l, h, func() {}) }()
	t.Cleanup(cancel)
	return l.Addr().String(), func() error {
		cancel()
		return bustest.Receive(t, ended)
	}
}

func dial(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestDrainingFinishesRequestsAndDropsSilentConnections(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	address, stop := serveTest(t, func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "finished")
	})
	silent := dial(t, address)
	busy := dial(t, address)
	if _, err := fmt.Fprint(busy, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-entered
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	if _, err := silent.Read(make([]byte, 1)); err == nil { // returns when the server closes the connection
		t.Error("something was said on a silent connection")
	}
	close(leave)
	res, err := http.ReadResponse(bufio.NewReader(busy), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); string(body) != "finished" {
		t.Errorf("the answer was cut off: %q, %v", body, err)
	}
	if err := bustest.Receive(t, ended); err != nil {
		t.Error(err)
	}
}

// A hundred clients that never finish their headers hold nobody up, and are cut off in the end.
func TestSlowClientsAreCutOff(t *testing.T) {
	address, stop := serveTest(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, err == nil)
	})
	var slow []net.Conn
	for i := range 100 {
		c := dial(t, address)
		begun := "POST / HTTP/1.1\r\nHost: x\r\nX-Slow: "
		if i%2 == 0 {
			begun = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf a body"
		}
		if _, err := fmt.Fprint(c, begun); err != nil {
			t.Fatal(err)
		}
		slow = append(slow, c)
	}
	res, err := http.Post("http://"+address, "text/plain", strings.NewReader("healthy"))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	for _, c := range slow {
		if err := c.SetReadDeadline(time.Now().Add(bustest.Patience)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Fatal("a slow client was not cut off")
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestAListenerThatFailsIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := serveHTTP(context.Background(), l, http.NotFoundHandler(), func() {}); err == nil {
		t.Error("served on a closed listener")
	}
}
