package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/threadrelay/threadrelay/bus"
)

const deadIntroduction = `Usage: threadrelay dead ls [flags]
       threadrelay dead show ID
       threadrelay dead replay ID... | replay [flags]
       threadrelay dead drop ID... | drop [flags]

Dead letters are messages that could not be handled: they are kept, each with the reason, until they are replayed, dropped
or older than THREADRELAY_RETENTION. The command asks the admin listener of a running serve (THREADRELAY_ADMIN_LISTEN,
THREADRELAY_ADMIN_TOKEN).

  ls      lists them, oldest first
  show    shows one with its headers and its payload
  replay  has messages handled again by the consumer that gave up on them; webhook calls are decoded again
  drop    removes letters for good

replay and drop take ids, or the letters that the flags choose; for every letter there is, --all.

Flags:
`

const deadExitCodes = `
Exit codes: 0 done, 1 failed for one letter at least, 2 wrong usage or configuration.
`

// deadCall is what the dead command was asked for.
type deadCall struct {
	verb   string
	ids    []string
	filter bus.DeadFilter
	chosen bool // a flag of the filter was given
	all    bool
	json   bool
	admin  string
}

// dead lists, shows, replays and drops dead letters.
func dead(ctx context.Context, inv invocation) error {
	if inv.helped() {
		writeDeadHelp(inv.stdout)
		return nil
	}
	call, err := parseDead(inv.args)
	if err != nil {
		return &usageError{fmt.Errorf("dead: %w", err)}
	}
	client, err := newDeadClient(call.admin, inv.environ)
	if err != nil {
		return &usageError{fmt.Errorf("dead: %w", err)}
	}
	defer client.close()
	switch call.verb {
	case "ls":
		err = listDead(ctx, inv, client, call)
	case "show":
		err = showDead(ctx, inv.stdout, client, call)
	default:
		err = settleDead(ctx, inv.stdout, client, call)
	}
	if err != nil {
		return fmt.Errorf("dead %s: %w", call.verb, err)
	}
	return nil
}

// flags declares the flags that the call's verb knows.
func (c *deadCall) flags() *flag.FlagSet {
	f := flag.NewFlagSet("dead "+c.verb, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&c.admin, "admin", "", "`address` of the admin listener, host:port or a URL; default THREADRELAY_ADMIN_LISTEN")
	f.BoolVar(&c.json, "json", false, "print JSON, one object per line")
	if c.verb == "show" {
		return f
	}
	f.StringVar(&c.filter.Connection, "connection", "", "only letters of this `connection`")
	f.StringVar(&c.filter.Stage, "stage", "", "only letters of this `stage`: ingest, events or actions")
	f.StringVar(&c.filter.Consumer, "consumer", "", "only letters that this `consumer` gave up on")
	f.StringVar(&c.filter.Reason, "reason", "", "only letters whose reason has this `text` in it")
	if c.verb != "ls" {
		f.BoolVar(&c.all, "all", false, "every letter that there is, or that the other flags choose")
	}
	return f
}

// parseDead reads the verb, its ids and its flags, which may stand in any order.
func parseDead(args []string) (deadCall, error) {
	if len(args) == 0 {
		return deadCall{}, errors.New("ls, show, replay or drop is missing")
	}
	c := deadCall{verb: args[0]}
	switch c.verb {
	case "ls", "show", "replay", "drop":
	default:
		return deadCall{}, fmt.Errorf("%q is none of ls, show, replay and drop", c.verb)
	}
	flags := c.flags()
	for rest := args[1:]; ; {
		if err := flags.Parse(rest); err != nil {
			return deadCall{}, fmt.Errorf("%s: %w", c.verb, err)
		}
		if flags.NArg() == 0 {
			break
		}
		c.ids, rest = append(c.ids, flags.Arg(0)), flags.Args()[1:]
	}
	if err := c.check(flags); err != nil {
		return deadCall{}, fmt.Errorf("%s: %w", c.verb, err)
	}
	return c, nil
}

// check refuses what cannot be meant. An empty flag is most likely a variable that was not set, and would choose all.
func (c *deadCall) check(flags *flag.FlagSet) error {
	var empty []string
	flags.Visit(func(f *flag.Flag) {
		if f.Value.String() == "" {
			empty = append(empty, "--"+f.Name)
		}
		switch f.Name {
		case "connection", "stage", "consumer", "reason":
			c.chosen = true
		}
	})
	if len(empty) > 0 {
		return fmt.Errorf("%s is empty", strings.Join(empty, ", "))
	}
	for _, id := range c.ids {
		if err := bus.CheckDeadLetterID(id); err != nil {
			return err
		}
	}
	switch {
	case c.verb == "ls" && len(c.ids) > 0:
		return fmt.Errorf("unexpected argument %q", c.ids[0])
	case c.verb == "show" && len(c.ids) != 1:
		return fmt.Errorf("one id is needed, not %d", len(c.ids))
	case c.verb == "ls" || c.verb == "show":
		return nil
	case len(c.ids) > 0 && (c.chosen || c.all):
		return errors.New("give ids, or flags that choose letters, but not both")
	case len(c.ids) == 0 && !c.chosen && !c.all:
		return errors.New("give ids, or flags that choose letters, or --all for every one")
	}
	return nil
}

func writeDeadHelp(w io.Writer) {
	fmt.Fprint(w, deadIntroduction)
	c := deadCall{verb: "replay"} // which knows every flag
	flags := c.flags()
	flags.SetOutput(w)
	flags.PrintDefaults()
	fmt.Fprint(w, deadExitCodes)
}
