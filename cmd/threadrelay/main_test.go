package main

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a test leaves a goroutine behind. Connections that clients keep for their next request are none of
// the program's. With brokerDir set it is a NATS server instead.
func TestMain(m *testing.M) {
	if dir := os.Getenv(brokerDir); dir != "" {
		if err := runBroker(dir, os.Getenv(brokerListen)); err != nil {
			fmt.Fprintln(os.Stderr, "broker:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"),
		goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}
