package cometchat

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/threadrelay/threadrelay/bus/event"
)

func TestSplitText(t *testing.T) {
	tests := []struct {
		name, text  string
		first, rest int
		want        []string
	}{
		{"fits", "one two", 7, 7, []string{"one two"}},
		{"empty", "", 7, 7, nil},
		{"word", "one two three", 9, 9, []string{"one two", "three"}},
		{"word at the very end", "one two three", 8, 9, []string{"one two", "three"}},
		{"rooms differ", "one two three", 4, 99, []string{"one", "two three"}},
		{"sentence", "It is. So it is now", 12, 99, []string{"It is.", "So it is now"}},
		{"a sentence too short to cut at", "Oh. So it was, is, and will be", 20, 99, []string{"Oh. So it was, is,", "and will be"}},
		{"line", "first. line\nsecond line", 19, 99, []string{"first. line", "second line"}},
		{"paragraph", "first\nline\n\nsecond line", 22, 99, []string{"first\nline", "second line"}},
		{"Windows paragraph", "first\r\nline\r\n\r\nsecond line", 29, 99, []string{"first\r\nline", "second line"}},
		{"indentation stays", "list:\n    item one", 15, 99, []string{"list:", "    item one"}},
		{"no place to cut", "abcdefghij", 4, 4, []string{"abcd", "efgh", "ij"}},
		{"escapes count", "\"\"\"\"", 4, 4, []string{`""`, `""`}},
		{"two-byte letters", "ääää", 5, 5, []string{"ää", "ää"}},
		{"marks", "e\u0301e\u0301e\u0301", 7, 7, []string{"e\u0301e\u0301", "e\u0301"}},
		{"family", "👨‍👩‍👧👨‍👩‍👧", 20, 20, []string{"👨‍👩‍👧", "👨‍👩‍👧"}},
		{"skin tones", "👍🏽👍🏽", 12, 12, []string{"👍🏽", "👍🏽"}},
		{"flags", "🇩🇪🇫🇷🇮🇹", 20, 20, []string{"🇩🇪🇫🇷", "🇮🇹"}},
		{"larger than the room", "👨‍👩‍👧x", 3, 3, []string{"👨‍👩‍👧", "x"}},
		{"mention", "aaa<@uid:ana>", 8, 10, []string{"aaa", "<@uid:ana>"}},
		{"nothing but space at the end", "one two      ", 8, 8, []string{"one two"}},
		{"blank", strings.Repeat(" ", 50) + "x", 8, 8, []string{"x"}},
		{"no UTF-8", "ab\xff\xffcd", 9, 9, []string{"ab\xff", "\xffcd"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := splitText(tt.text, tt.first, tt.rest); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func FuzzSplitText(f *testing.F) {
	f.Add("It is a truth.\n\nUniversally \"acknowledged\", 👨‍👩‍👧 <@uid:ana> \u2028 \x00 \xff", 40, 30)
	f.Add(strings.Repeat("word ", 100), 50, 60)
	f.Add(strings.Repeat("🇩🇪e\u0301", 100), 41, 42)
	f.Fuzz(func(t *testing.T, text string, first, rest int) {
		first, rest = 64+first%512, 64+rest%512
		pieces := splitText(text, first, rest)
		blank := func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}
		if strings.Map(blank, strings.Join(pieces, "")) != strings.Map(blank, text) {
			t.Fatalf("%q became %q", text, pieces)
		}
		for i, p := range pieces {
			room := rest
			if i == 0 {
				room = first
			}
			if strings.TrimSpace(p) == "" {
				t.Fatalf("piece %d of %q is blank", i, text)
			}
			if utf8.ValidString(text) && !utf8.ValidString(p) {
				t.Fatalf("piece %d of %q was cut within a character", i, text)
			}
			if size := dataSize(DraftData{Text: p}) - len(`{"text":""}`); size > room && clusters(p) > 1 {
				t.Fatalf("piece %d of %q has %d bytes, want at most %d", i, text, size, room)
			}
		}
	})
}

func clusters(s string) int {
	n := 0
	for i, r := range s {
		if i == 0 || !joined(s, i, r) {
			n++
		}
	}
	return n
}

// TestJSONSize compares with what is sent.
func TestJSONSize(t *testing.T) {
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r > 0x3000 {
			r += 97 // there is nothing of note any more
		}
		s := string(r)
		if got, want := jsonSize(s, []rune(s)[0]), dataSize(DraftData{Text: s})-len(`{"text":""}`); got != want {
			t.Fatalf("%U: %d, want %d", r, got, want)
		}
	}
	b, err := json.Marshal("\xff")
	if err != nil || jsonSize("\xff", utf8.RuneError) != len(b)-2 {
		t.Errorf("%s, %v", b, err)
	}
}

func TestRenderMentions(t *testing.T) {
	users := []event.UserID{"ana", "Ana-Maria", "zoe_1", "a b"}
	tests := []struct{ text, want string }{
		{"@ana hi", "<@uid:ana> hi"},
		{"hi @ANA.", "hi <@uid:ana>."},
		{"(@ana)", "(<@uid:ana>)"},
		{"@ana-maria, @ana!", "<@uid:ana-maria>, <@uid:ana>!"},
		{"@anab @ana-x me@ana.example x_@ana", "@anab @ana-x me@ana.example x_@ana"},
		{"<@uid:ana> @zoe_1", "<@uid:ana> <@uid:zoe_1>"},
		{"@ana@ana", "<@uid:ana>@ana"},
		{"@bob @", "@bob @"},
		{"ä @ana ä", "ä <@uid:ana> ä"},
		{"@anä", "@anä"},
		{"\xff@ana\xff", "\xff<@uid:ana>\xff"},
		{"@@ana", "@<@uid:ana>"},
	}
	for _, tt := range tests {
		if got := renderMentions(tt.text, users); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
	if got := renderMentions("@ana", nil); got != "@ana" {
		t.Error(got)
	}
}
