package rocketchat

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "rewrite golden files")

// plainTexts are what people write where nothing of it means anything.
func plainTextsOfPeople() []string {
	return []string{
		"hello", "5 * 3", "5 * 3 * 2", "a*b*c", "**bold**", "* one\n* two", "*", "snake_case_word", "_it_", "__init__", "a _b_ c_d_e", "~no~", "~/src ~/bin",
		"`code`", "it's `5", "```go\nx := *p\n```", "> quote", "a > b", "[label](https://example.org)", "[not] (this)", "![alt](https://example.org/x.png)",
		"<https://example.org|label>", "<b>html</b>", "a < b | c", "<t:1700000000:R>", "||spoiler||", "a | b", "# heading", "##### five", "#channel", "c# # d",
		"---", "|---|:--:|", "- item", "- [ ] task", "1. first", `\*`, `C:\.config\#x\n`, `back\slash`, ":smile: :)", "https://example.org/a_b_c*d*?x=~y~",
		"see https://example.org/_x_, *now*", "(https://example.org/*)", "[x*y*](https://example.org/_a_)", "@all hi", "äöü *ß* 🎉", "one *\ntwo *",
		"xhttps://a_b_ *c*", "", "\n\n", "  > indented",
	}
}

func TestEscapeText(t *testing.T) {
	goldenPairs(t, "escape.json", plainTextsOfPeople(), EscapeText)
}

func TestDefuseMentions(t *testing.T) {
	goldenPairs(t, "defuse.json", []string{
		"@all", "@here now", "hello @ana.b!", "a\n@ana", "a\u00a0@ana", "tag>@ana", "mail@example.org", "https://example.org/@ana", "(@ana) [@ana] *@ana* _@ana_ \"@ana\"",
		"@@ana", "@", "@ ana", "@ana:example.org", "@Ana", "@keep", "@keep.", "@KEEP, @keeper", "@-x", "`@ana`", "```\n@Override\n```", "@\u200bana", "@Zoë", "\ufeff@ana", "nothing",
	}, func(s string) string { return DefuseMentions(s, "keep") })
}

// goldenPairs compares what write makes of texts with what it made of them when somebody looked at it.
func goldenPairs(t *testing.T, name string, texts []string, write func(string) string) {
	t.Helper()
	type pair struct{ From, To string }
	var pairs []pair
	for _, s := range texts {
		pairs = append(pairs, pair{s, write(s)})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	must(t, enc.Encode(pairs))
	got := bytes.ReplaceAll(b.Bytes(), []byte(guard), []byte(`\u200b`))
	file := filepath.Join("testdata", name)
	if *update {
		must(t, os.WriteFile(file, got, 0o644))
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs (-update rewrites it):\n%s", file, got)
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, s := range plainTextsOfPeople() {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		escaped, defused := EscapeText(s), DefuseMentions(s)
		if !utf8.ValidString(s) {
			return
		}
		strip := func(s string) string { return strings.NewReplacer(`\`, "", guard, "").Replace(s) }
		if strip(escaped) != strip(s) {
			t.Errorf("%q became %q", s, escaped)
		}
		if strings.ReplaceAll(defused, guard, "") != strings.ReplaceAll(s, guard, "") {
			t.Errorf("%q became %q", s, defused)
		}
		if again := DefuseMentions(defused); again != defused {
			t.Errorf("%q became %q, and then %q", s, defused, again)
		}
	})
}

func TestLongTextsAreWrittenFast(t *testing.T) {
	for _, s := range []string{"*", "_", "<|", "@", " @x", "](", "h", "https://", "```", "\\"} {
		long := strings.Repeat(s, 1<<17/len(s))
		if len(EscapeText(long)) < len(long) || len(DefuseMentions(long)) < len(long) || len(splitText(long, maxText)) < 10 {
			t.Errorf("%q became shorter", s)
		}
	}
}
