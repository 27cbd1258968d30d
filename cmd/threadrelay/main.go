// Command threadrelay is the relay, the bundled bots and the demo, in one program.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, cancel := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals // the first drains
		cancel()
		<-signals // a second one waits for nothing
		os.Exit(exitFailed)
	}()
	os.Exit(run(ctx, invocation{
		args: os.Args[1:], environ: os.Environ(), stdout: os.Stdout, stderr: os.Stderr, terminal: isTerminal(os.Stderr),
	}))
}

// invocation is what the program was called with.
type invocation struct {
	args, environ  []string
	stdout, stderr io.Writer
	terminal       bool // stderr is one
}

// command is a word that may follow the program's name.
type command struct {
	name, summary string
	run           func(context.Context, invocation) error
}

// commands is the list of them, in the order of the help.
func commands() []command {
	return []command{
		{"demo", "play a conversation with bots on simulated platforms, then stay up to be tried", demo},
		{"serve", "relay for real, configured by the environment (serve --help lists it)", serve},
		{"check", "check configuration and credentials against the platforms", check},
		{"dead", "list, show, replay and drop messages that could not be handled", dead},
		{"version", "print the version", printVersion},
	}
}

// The exit codes.
const (
	exitDone = iota
	exitFailed
	exitUsage
)

// usageError is a mistake of whoever called the program, in its arguments or its configuration.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// run runs one command and returns the exit code.
func run(ctx context.Context, inv invocation) int {
	err := dispatch(ctx, inv)
	var usage *usageError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintf(inv.stderr, "threadrelay: %v\n", err)
		return exitUsage
	}
	fmt.Fprintf(inv.stderr, "threadrelay: %v\n", err)
	return exitFailed
}

func dispatch(ctx context.Context, inv invocation) error {
	if len(inv.args) == 0 {
		writeUsage(inv.stderr)
		return &usageError{errors.New("a command is missing")}
	}
	name := inv.args[0]
	switch name {
	case "help", "-h", "-help", "--help":
		writeUsage(inv.stdout)
		return nil
	}
	for _, c := range commands() {
		if c.name == name {
			inv.args = inv.args[1:]
			return c.run(ctx, inv)
		}
	}
	writeUsage(inv.stderr)
	return &usageError{fmt.Errorf("unknown command %q", name)}
}

func writeUsage(w io.Writer) {
	fmt.Fprint(w, "Usage: threadrelay <command> [flags]\n\nCommands:\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-8s  %s\n", c.name, c.summary)
	}
	fmt.Fprint(w, "\nEach command knows --help.\n")
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
