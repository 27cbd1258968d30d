package rocketchat

import (
	"slices"
	"strings"
	"testing"
)

func TestEmojiNames(t *testing.T) {
	tests := []struct {
		emoji string
		want  []string
	}{
		{"👍", []string{"thumbsup"}}, {":tada:", []string{"tada"}}, {"tada", []string{"tada"}}, {":+1:", []string{"+1"}}, {"❤️", []string{"heart"}}, {"❤", []string{"heart"}},
		{"👍🏽", []string{"thumbsup_tone3", "thumbsup"}}, {"🇩🇪", []string{"flag_de"}}, {"🇪🇺", []string{"flag_eu"}}, {"thumbsup", []string{"thumbsup"}}, {":my_own-emoji.2:", []string{"my_own-emoji.2"}},
		{"", nil}, {"::", nil}, {"🫨", nil}, {"🏽", nil}, {"👍👎", nil}, {"👍 thumbsup\n👎", nil}, {" ", nil}, {strings.Repeat("x", maxEmoji+1), nil},
	}
	for _, tt := range tests {
		got, err := emojiNames(tt.emoji)
		if !slices.Equal(got, tt.want) || (err == nil) != (tt.want != nil) {
			t.Errorf("%q: %q, %v, want %q", tt.emoji, got, err, tt.want)
		}
	}
}

func TestEmojiTable(t *testing.T) {
	seen := map[string]bool{}
	words := strings.Fields(emojiTable)
	for i := 0; i < len(words); i += 2 {
		emoji, name := words[i], words[min(i+1, len(words)-1)]
		if isEmojiName(emoji) || !isEmojiName(name) || strings.Contains(emoji, "\ufe0f") || seen[emoji] || seen[name] || emojiName(emoji) != name {
			t.Errorf("%q %q is not an emoji and its name, each once", emoji, name)
		}
		seen[emoji], seen[name] = true, true
	}
}
