package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
)

// helped reports whether help was asked for.
func (inv invocation) helped() bool {
	return slices.ContainsFunc(inv.args, func(a string) bool { return a == "-h" || a == "-help" || a == "--help" })
}

// parseFlags reads a command's flags, which define declares, and refuses anything beyond them. When help is asked for, it
// prints that and returns nil.
func parseFlags(name, about string, inv invocation, define func(*flag.FlagSet)) error {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	if define != nil {
		define(flags)
	}
	err := flags.Parse(inv.args)
	if errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(inv.stdout, "Usage: threadrelay %s [flags]\n\n%s\n", name, about)
		flags.SetOutput(inv.stdout)
		flags.PrintDefaults()
		return nil
	}
	if err == nil && flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err != nil {
		return &usageError{fmt.Errorf("%s: %w", name, err)}
	}
	return nil
}
