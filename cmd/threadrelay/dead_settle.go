package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/threadrelay/threadrelay/relay/console"
)

// settleDead replays or drops letters, and prints what became of each. It stops early if the admin listener is gone.
func settleDead(ctx context.Context, w io.Writer, client *deadClient, call deadCall) error {
	ids, err := chooseDead(ctx, client, call)
	if err != nil {
		return err
	}
	done, failed := 0, 0
	for _, id := range ids {
		o, err := client.settle(ctx, call.verb, id)
		var answered *answerError
		if err != nil && !errors.As(err, &answered) {
			return fmt.Errorf("letter %s, after %d that were settled: %w", id, done, err)
		}
		if err != nil {
			failed++
			o = console.Outcome{ID: id, Outcome: "failed", Error: answered.problem}
		} else {
			done++
		}
		if err := printOutcome(w, o, call.json); err != nil {
			return err
		}
	}
	if !call.json {
		fmt.Fprintln(w, summary(call, done, failed))
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d failed", failed, done+failed)
	}
	return nil
}

// chooseDead returns the ids that were given, each once, or those of the letters that the flags choose. They are all known
// before the first is settled, so that what dies again meanwhile is not settled twice.
func chooseDead(ctx context.Context, client *deadClient, call deadCall) ([]string, error) {
	var ids []string
	for _, id := range call.ids {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) > 0 {
		return ids, nil
	}
	for l, err := range client.list(ctx, call.filter) {
		if err != nil {
			return nil, err
		}
		ids = append(ids, l.ID)
	}
	return ids, nil
}

func printOutcome(w io.Writer, o console.Outcome, asJSON bool) error {
	switch {
	case asJSON:
		return writeJSONLine(w, o)
	case o.Error != "":
		fmt.Fprintf(w, "%s %s: %s\n", o.Outcome, o.ID, printable(o.Error))
	default:
		fmt.Fprintf(w, "%s %s\n", o.Outcome, o.ID)
	}
	return nil
}

// summary ends the list of outcomes.
func summary(call deadCall, done, failed int) string {
	if done+failed == 0 {
		return counted(0, call.chosen)
	}
	past := map[string]string{"replay": "replayed", "drop": "dropped"}[call.verb]
	if failed == 0 {
		return fmt.Sprintf("%d %s", done, past)
	}
	return fmt.Sprintf("%d %s, %d failed", done, past, failed)
}
