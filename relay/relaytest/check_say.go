package relaytest

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/threadrelay/threadrelay/bus/event"
)

func sayChecks() []check {
	needs := []Interface{Sender, Capable}
	return []check{
		{"send/longest text", needs, sendLongest},
		{"send/split", needs, sendSplit},
	}
}

// length returns how long a text is in a unit, and 0 for a unit that is none.
func length(unit, s string) int {
	switch unit {
	case "byte":
		return len(s)
	case "rune":
		return utf8.RuneCountInString(s)
	case "utf16":
		return len(utf16.Encode([]rune(s)))
	}
	return 0
}

// sendLongest: a text as long as the platform takes is one message.
func sendLongest(s *suite) {
	b := s.stand(StageConfig{})
	for _, filling := range []string{"x", "a word ", "ö", "🎉"} {
		a := b.action(event.Post, b.group(), "")
		a.Text = fill(filling, b.abilities())
		b.matches(b.carried(a), a)
	}
}

// fill returns a text of fillings that is as long as the platform takes, or hardly shorter.
func fill(filling string, can event.Capabilities) string {
	text := strings.Repeat(filling, can.TextLimit/length(can.TextUnit, filling))
	return strings.TrimRight(text, " ") // which a platform may do as well
}

// sendSplit: a longer text is several messages, each within the limit, that hold all of it in order.
func sendSplit(s *suite) {
	b := s.stand(StageConfig{})
	for name, text := range longTexts(b.abilities()) {
		root := b.thread(b.scene.Group, b.say(b.group(), "a root"))
		for _, typ := range []event.ActionType{event.Reply, event.Post} {
			a := b.action(typ, root, "")
			a.Text = text
			before := len(b.stage.Lines())
			r, err := b.send(s.ctx, a)
			if err != nil {
				s.t.Errorf("%s as a %s: %v", name, typ, err)
				continue
			}
			b.isSplit(fmt.Sprintf("%s as a %s", name, typ), a, r, b.stage.Lines()[before:])
		}
	}
}

// isSplit looks at the messages that a long text has become, and at their receipt.
func (b *bench) isSplit(what string, a event.Action, r event.Receipt, parts []Line) {
	b.t.Helper()
	can := b.abilities()
	var all strings.Builder
	for i, part := range parts {
		all.WriteString(part.Text)
		if n := length(can.TextUnit, part.Text); n == 0 || n > can.TextLimit {
			b.t.Errorf("%s: part %d is %d %ss long, the limit is %d", what, i, n, can.TextUnit, can.TextLimit)
		}
		if !utf8.ValidString(part.Text) || strings.ContainsRune(part.Text, utf8.RuneError) {
			b.t.Errorf("%s: part %d begins or ends within a character", what, i)
		}
		one := a
		one.Text = part.Text
		b.matches(part, one)
		if i >= len(r.Parts) || r.Parts[i] != part.ID {
			b.t.Errorf("%s: part %d is message %s, and the receipt has %v", what, i, part.ID, r.Parts)
		}
	}
	if len(parts) < 2 || len(r.Parts) != len(parts) || r.Message != r.Parts[0] || r.Action != a.ID {
		b.t.Errorf("%s: the receipt of %d parts is %+v", what, len(parts), r)
	}
	if got, want := dense(all.String()), dense(a.Text); got != want {
		b.t.Errorf("%s: the parts do not hold the text: %d characters of %d, other from character %d on", what, len(got), len(want), differ(got, want))
	}
	if !strings.ContainsFunc(a.Text, unicode.IsSpace) && all.String() != a.Text {
		b.t.Errorf("%s: the parts have white space that the text does not have", what)
	}
}

// dense returns a text without white space, which may be dropped where a text is cut.
func dense(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// differ returns where two texts part.
func differ(a, b string) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	return i
}

// longTexts are texts that need several messages, with everything in them that makes cutting hard.
func longTexts(can event.Capabilities) map[string]string {
	long := func(unit func(i int) string) string {
		var b strings.Builder
		for i := 0; length(can.TextUnit, b.String()) <= 2*can.TextLimit+can.TextLimit/2; i++ {
			b.WriteString(strings.Repeat(unit(i), 10))
		}
		return b.String()
	}
	return map[string]string{
		"one character too many": strings.Repeat("x", can.TextLimit+1),
		"prose":                  long(func(i int) string { return fmt.Sprintf("Sentence %d of many words. And another!\n\nA paragraph, ", i) }),
		"lines":                  long(func(i int) string { return fmt.Sprintf("  indented line %d\n", i) }),
		"one word":               long(func(i int) string { return fmt.Sprintf("%d,", i) }),
		"quotes":                 long(func(i int) string { return fmt.Sprintf("\"%d\\\"", i) }),
		"umlauts":                long(func(int) string { return "äöüß" }),
		"emojis":                 long(func(int) string { return "👩🏽‍🚀🇪🇺e\u0301" }),
	}
}
