package rocketchat

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// TestMessages reads documents as the server has them, composed by us from its types and from what it was seen to send.
func TestMessages(t *testing.T) {
	in, err := os.ReadFile(filepath.Join("testdata", "messages.json"))
	must(t, err)
	var messages []Message
	must(t, json.Unmarshal(in, &messages))
	for i := range messages {
		if !json.Valid(messages[i].Raw) {
			t.Errorf("%s: raw %s", messages[i].ID, messages[i].Raw)
		}
		messages[i].Raw = nil
	}
	got, err := json.MarshalIndent(messages, "", "  ")
	must(t, err)
	file := filepath.Join("testdata", "messages.golden.json")
	if *update {
		must(t, os.WriteFile(file, append(got, '\n'), 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if !bytes.Equal(append(got, '\n'), want) {
		t.Errorf("%s differs (-update rewrites it):\n%s", file, got)
	}
}

func TestMessagesThatAreNone(t *testing.T) {
	for _, s := range []string{`null`, `5`, `[]`, `"x"`, `{}`, `{"_id":""}`, `{"_id":null}`, `{"_id":{}}`} {
		var m Message
		if err := m.UnmarshalJSON([]byte(s)); err == nil {
			t.Errorf("%s is taken for %+v", s, m)
		}
	}
	var all listOf[Message]
	must(t, json.Unmarshal([]byte(`[{"_id":"a"},{},null,5,{"_id":"b"}]`), &all))
	if len(all.v) != 2 || all.v[1].ID != "b" {
		t.Errorf("%+v", all.v)
	}
}

func TestMarker(t *testing.T) {
	if m := (*Stamp)(nil).Marker(); m != nil {
		t.Error(m)
	}
	if m := (&Stamp{Bot: "echo"}).Marker(); m != nil {
		t.Error(m)
	}
	if m := (&Stamp{Action: "a", Bot: "echo"}).Marker(); m == nil || m.Action != "a" || m.Bot != "echo" {
		t.Error(m)
	}
}

func FuzzMessage(f *testing.F) {
	in, err := os.ReadFile(filepath.Join("testdata", "messages.json"))
	if err != nil {
		f.Fatal(err)
	}
	var docs []json.RawMessage
	if err := json.Unmarshal(in, &docs); err != nil {
		f.Fatal(err)
	}
	for _, d := range docs {
		f.Add([]byte(d))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var m, again Message
		if json.Unmarshal(b, &m) != nil || len(bytes.TrimSpace(b)) == 4 { // null leaves it empty
			return
		}
		if m.ID == "" {
			t.Fatalf("%s has no id", b)
		}
		if _, err := json.Marshal(m); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if err := json.Unmarshal(m.Raw, &again); err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("%s is %+v, and its raw form %+v, %v", b, m, again, err)
		}
	})
}
