package rocketchat

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

func TestSplitText(t *testing.T) {
	tests := []struct {
		name, text string
		room       int
		want       []string
	}{
		{"fits", " one two ", 9, []string{" one two "}},
		{"word", "one two three", 9, []string{"one two", "three"}},
		{"word at the very end", "one two three", 8, []string{"one two", "three"}},
		{"sentence", "It is. So it is now", 12, []string{"It is.", "So it is now"}},
		{"a sentence too short to cut at", "Oh. So it was, is, and will be", 20, []string{"Oh. So it was, is,", "and will be"}},
		{"line", "first. line\nsecond line", 19, []string{"first. line", "second line"}},
		{"paragraph", "first\nline\n\nsecond line", 22, []string{"first\nline", "second line"}},
		{"Windows paragraph", "first\r\nline\r\n\r\nsecond line", 25, []string{"first\r\nline", "second line"}},
		{"indentation stays", "a list of items:\n    item one", 26, []string{"a list of items:", "    item one"}},
		{"no place to cut", "abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"one unit each", "ääää", 2, []string{"ää", "ää"}},
		{"two units each", "🎉🎉🎉", 5, []string{"🎉🎉", "🎉"}},
		{"marks", "e\u0301e\u0301e\u0301", 5, []string{"e\u0301e\u0301", "e\u0301"}},
		{"family", "👨‍👩‍👧👨‍👩‍👧", 10, []string{"👨‍👩‍👧", "👨‍👩‍👧"}},
		{"skin tones", "👍🏽👍🏽", 6, []string{"👍🏽", "👍🏽"}},
		{"flags", "🇩🇪🇫🇷🇮🇹", 10, []string{"🇩🇪🇫🇷", "🇮🇹"}},
		{"larger than the room", "👨‍👩‍👧x", 4, []string{"👨‍", "👩‍", "👧x"}},
		{"nothing but space at the end", "one two      ", 8, []string{"one two"}},
		{"blank", strings.Repeat(" ", 50) + "x", 8, []string{"x"}},
		{"code", "text before\n```go\n" + strings.Repeat("a line of code\n", 6) + "```\nafter", 90, []string{
			"text before\n```go\na line of code\na line of code\n```", "```go\na line of code\na line of code\na line of code\n```",
			"```go\na line of code\n```\nafter",
		}},
		{"code that is not cut", "```\na\n```\n\n" + strings.Repeat("word ", 20), 100, []string{
			"```\na\n```\n\n" + strings.TrimSpace(strings.Repeat("word ", 9)), strings.Repeat("word ", 11),
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := splitText(tt.text, tt.room)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			for _, piece := range got {
				if n := len(utf16.Encode([]rune(piece))); n > tt.room {
					t.Errorf("%q is %d units long, the room is %d", piece, n, tt.room)
				}
			}
		})
	}
}

func FuzzSplitText(f *testing.F) {
	f.Add("It is a truth.\n\nUniversally \"acknowledged\", 👨‍👩‍👧 @ana \u2028 \x00 \xff", 40)
	f.Add(strings.Repeat("word ", 100), 50)
	f.Add(strings.Repeat("🇩🇪e\u0301", 100), 41)
	f.Add("```go\n"+strings.Repeat("a line\n", 100)+"```", 90)
	f.Fuzz(func(t *testing.T, text string, room int) {
		room = 100 + max(room%512, -room%512)
		text = clean(text)
		pieces := splitText(text, room)
		blank := func(r rune) rune {
			if unicode.IsSpace(r) {
				return -1
			}
			return r
		}
		if joined := strings.Join(pieces, ""); !strings.Contains(text, fence) && strings.Map(blank, joined) != strings.Map(blank, text) {
			t.Fatalf("%q became %q", text, pieces)
		}
		for i, p := range pieces {
			if len(pieces) > 1 && strings.TrimSpace(p) == "" {
				t.Fatalf("piece %d of %q is blank", i, text)
			}
			if !utf8.ValidString(p) || utf16Len(p) > room {
				t.Fatalf("piece %d of %q, %q, is %d units long: the room is %d", i, text, p, utf16Len(p), room)
			}
		}
	})
}
