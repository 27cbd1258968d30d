package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/threadrelay/threadrelay/relay/console"
)

// showDead prints one letter with all that is known of it.
func showDead(ctx context.Context, w io.Writer, client *deadClient, call deadCall) error {
	l, err := client.show(ctx, call.ids[0])
	if err != nil {
		return err
	}
	if call.json {
		return writeJSONLine(w, l)
	}
	field(w, "id", l.ID)
	field(w, "stored", moment(l.Stored))
	field(w, "stage", l.Stage)
	field(w, "consumer", l.Consumer)
	field(w, "connection", l.Connection)
	field(w, "attempts", fmt.Sprintf("%d, from %s to %s", l.Attempts, moment(l.First), moment(l.Last)))
	if l.Subject != "" {
		field(w, "from", l.Subject+", sequence "+strconv.FormatUint(l.Sequence, 10))
	}
	field(w, "replay of", l.ReplayOf)
	field(w, "reason", l.Reason)
	showHeader(w, l)
	showPayload(w, l.Payload())
	return nil
}

func showHeader(w io.Writer, l console.Letter) {
	if len(l.Header) == 0 {
		return
	}
	fmt.Fprint(w, "\nHeaders\n")
	for _, name := range slices.Sorted(maps.Keys(l.Header)) {
		for _, value := range l.Header[name] {
			fmt.Fprintf(w, "  %s: %s\n", printable(name), printable(value))
		}
	}
}

// showPayload prints JSON indented, other text as it is, and everything else as bytes.
func showPayload(w io.Writer, payload []byte) {
	fmt.Fprintf(w, "\nPayload, %d bytes\n", len(payload))
	var pretty bytes.Buffer
	switch {
	case len(payload) == 0:
	case !utf8.Valid(payload):
		fmt.Fprint(w, hex.Dump(payload))
	case json.Indent(&pretty, payload, "", "  ") == nil:
		fmt.Fprintln(w, printable(pretty.String()))
	default:
		fmt.Fprintln(w, printable(string(payload)))
	}
}

// writeJSONLine prints one object on a line of its own.
func writeJSONLine(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
