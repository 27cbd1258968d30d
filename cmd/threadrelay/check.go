package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// checkTime bounds the questions to one platform.
const checkTime = 30 * time.Second

const checkAbout = `Checks what serve would run with: that the configuration is valid, that each platform takes the credentials, and that
the bot and everything that is polled is there. It reads the same environment (serve --help lists it) and the same file as
serve, changes nothing, and can run beside it.

Exit codes: 0 all is well, 1 a fault was found, 2 wrong usage or configuration.
`

// The states of a finding.
const (
	stateFine    = "ok"
	stateWarning = "warning"
	stateFault   = "fault"
)

// checked is a line of what check prints.
type checked struct {
	// Connection is empty for what concerns none.
	Connection event.ConnectionID `json:"connection,omitempty"`
	Subject    string             `json:"subject"`
	State      string             `json:"state"`
	// Text is a note, or the whole sentence of a fault.
	Text string `json:"text,omitempty"`
}

// check asks the platforms whether the configuration is right, and prints what it finds.
func check(ctx context.Context, inv invocation) error {
	var asJSON bool
	err := parseFlags("check", checkAbout, inv, func(f *flag.FlagSet) {
		f.BoolVar(&asJSON, "json", false, "print JSON, one object per line")
	})
	if err != nil || inv.helped() {
		return err
	}
	cfg, warnings, err := loadConfig(inv.environ)
	if err != nil {
		return &usageError{fmt.Errorf("the configuration is wrong:\n%w", err)}
	}
	all, err := newPlatforms(cfg)
	if err != nil {
		return &usageError{fmt.Errorf("the configuration is wrong:\n%w", err)}
	}
	found := configured(warnings)
	for _, c := range all {
		found = append(found, probe(ctx, c)...)
	}
	if ctx.Err() != nil {
		return fmt.Errorf("check: %w", ctx.Err())
	}
	if err := writeChecked(inv.stdout, found, asJSON); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return verdictOf(found, len(all) == 0 && !cfg.botsOnCluster())
}

// configured tells what reading the configuration has brought.
func configured(warnings []string) []checked {
	if len(warnings) == 0 {
		return []checked{{Subject: "configuration", State: stateFine}}
	}
	var out []checked
	for _, w := range warnings {
		out = append(out, checked{Subject: "configuration", State: stateWarning, Text: w})
	}
	return out
}

// probe asks one platform.
func probe(ctx context.Context, c connection) []checked {
	prober, ok := c.platform.(relay.Prober)
	if !ok {
		return []checked{{Connection: c.id, Subject: "platform", State: stateWarning, Text: "it cannot be asked"}}
	}
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	var out []checked
	for _, f := range prober.Probe(ctx) {
		line := checked{Connection: c.id, Subject: f.Subject, State: stateFine, Text: f.Note}
		if f.Fault != nil {
			line.State, line.Text = stateFault, f.Fault.Error()
		}
		out = append(out, line)
	}
	return out
}

// verdictOf is nil if nothing is at fault; nothing asks whether there was nobody to ask.
func verdictOf(found []checked, nothing bool) error {
	faults := 0
	for _, c := range found {
		if c.State == stateFault {
			faults++
		}
	}
	switch {
	case nothing:
		return errors.New("check: no connection is configured, so there was no platform to ask")
	case faults == 1:
		return errors.New("check: 1 fault")
	case faults > 1:
		return fmt.Errorf("check: %d faults", faults)
	}
	return nil
}

// writeChecked prints a table, or JSON. What a platform says is shown without what a terminal might obey.
func writeChecked(w io.Writer, found []checked, asJSON bool) error {
	if asJSON {
		for _, c := range found {
			if err := writeJSONLine(w, c); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "CONNECTION\tSUBJECT\tSTATE\tFINDING\n")
	for _, c := range found {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", dash(cell(string(c.Connection))), cell(c.Subject), c.State, dash(cell(c.Text)))
	}
	return table.Flush()
}

// cell is a text that keeps to one line.
func cell(s string) string { return strings.Join(strings.Fields(printable(s)), " ") }
