package cometchat

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestSqueezed(t *testing.T) {
	for in, want := range map[string]string{
		"":                                 "",
		" \n\t\r ":                         " ",
		`{"a b"  :  "c   d" ,   "e" : 1 }`: `{"a b" : "c   d" , "e" : 1 }`,
		`["\"  x  \\"   ,   "  "]`:         `["\"  x  \\" , "  "]`,
		"[1  2]":                           "[1 2]",
		`"open   \`:                        `"open   \`,
		"[\n\n  true,\n\n  null\n]\n\n":    "[\ntrue,\nnull\n]\n",
	} {
		for name, r := range map[string]io.Reader{
			"at once": strings.NewReader(in), "byte by byte": iotest.OneByteReader(strings.NewReader(in)), "with its end": iotest.DataErrReader(strings.NewReader(in)),
		} {
			if got, err := io.ReadAll(&squeezed{r: r}); err != nil || string(got) != want {
				t.Errorf("%q %s: %q, %v, want %q", in, name, got, err, want)
			}
		}
	}
	broken := &squeezed{r: iotest.TimeoutReader(iotest.OneByteReader(strings.NewReader("     ")))}
	if got, err := io.ReadAll(broken); err == nil || string(got) != " " {
		t.Errorf("%q, %v", got, err)
	}
}
