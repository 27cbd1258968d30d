package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
)

// FuzzConfigFile reads any text as the configuration file. Each fault has to name a place that is there, and none may show the
// value of a variable. What is accepted has to make connections.
func FuzzConfigFile(f *testing.F) {
	const value = "qzJ7-value-of-a-variable"
	example, err := os.ReadFile(filepath.FromSlash("../../deploy/threadrelay.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	for _, text := range []string{
		whole + "}}", whole + ", bot_uid: \"${K}\", poll: {sources: [\"${K}\", group/a], interval: 5s}, deliver: {sender_limit: 30/1m}}}",
		"connections:\n  a:\n    platform: cometchat\n    api_key: ${K}\n    api_key: ${file:x}\n    region: &x $${K}\n", "bots: {}\n", "---\n---\n", "a: *b\n",
		"? [a]\n: !!binary x\n", "\"a\n b\": |\n  c\n", "\xff", "connections: {a: {<<: {b: c}}}", "a: b: ${", "\ufeffconnections:\n", "connections: {a: {deliver: {retry: {min: 1h}}}}",
	} {
		f.Add(text)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		file := &configFile{
			name: filepath.Join(dir, "relay.yaml"), given: map[string]string{"K": value},
			taken: map[event.ConnectionID]string{"cometchat": "COMETCHAT_APP_ID"}, answered: strings.Contains(text, "bot_uid"),
		}
		out := file.read([]byte(text))
		rows := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + 2
		for _, err := range file.errors() {
			var row, column int
			rest, ok := strings.CutPrefix(err.Error(), file.name+":")
			if _, scan := fmt.Sscanf(rest, "%d:%d: ", &row, &column); !ok || scan != nil {
				if len(file.faults) > maxFileFaults && strings.HasSuffix(err.Error(), " more faults") {
					continue
				}
				t.Fatalf("a fault without a place: %v", err)
			}
			if row < 1 || row > rows || column < 1 || column > len(text)+2 {
				t.Errorf("no such place: %v", err)
			}
			if strings.Contains(strings.ToLower(err.Error()), strings.ToLower(value)) && !strings.Contains(strings.ToLower(text), strings.ToLower(value)) {
				t.Errorf("a fault shows a variable: %v", err)
			}
		}
		if len(file.faults) > 0 {
			return
		}
		all, err := newPlatforms(config{Routing: out})
		if err != nil || len(all) != len(out.Connections) {
			t.Errorf("%d connections of %d that were accepted: %v", len(all), len(out.Connections), err)
		}
	})
}
