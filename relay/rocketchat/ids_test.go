package rocketchat

import (
	"strings"
	"testing"
)

func TestMessageID(t *testing.T) {
	seen := map[string]bool{}
	for _, id := range []string{messageID("a", "", 0), messageID("a", "", 1), messageID("b", "", 0), messageID("a", "link", 0), messageID("a1", "", 0), messageID("", "", 0)} {
		if !isOwnMessageID(id) || checkID(id) != nil || seen[id] {
			t.Errorf("%q", id)
		}
		seen[id] = true
	}
	// What a repeat of yesterday's action finds must not change.
	if got, want := messageID("act-1", "", 0), "trzIbRrcjFDYrHFYBAnHkx8G"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, id := range []string{"", "tr", "GfhiiJjcjKFyYMuMY", "64f0f82c2c26843a68c1f7ba", "trzIbRrcjFDYrHFYBAnHkx8", "trzIbRrcjFDYrHFYBAnHkx8-"} {
		if isOwnMessageID(id) {
			t.Errorf("%q looks like ours", id)
		}
	}
}

func TestNames(t *testing.T) {
	for _, id := range []string{"GENERAL", "GfhiiJjcjKFyYMuMY", "uidAuidB", "a.b:c_d-e", "*"} {
		if err := checkRoomName(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, name := range []string{"#general", "#général", "@ana.b", "@ana:example.org"} {
		if err := checkRoomName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "#", "@", "a b", "../x", "a?b", "#a/b", "@a b", "ä", "#\x00", "a\x7f", "##x", strings.Repeat("x", maxID+1), "#" + strings.Repeat("x", maxID+1)} {
		if checkRoomName(name) == nil {
			t.Errorf("%q is taken", name)
		}
	}
}
