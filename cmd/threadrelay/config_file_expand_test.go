package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"token": "from ${A} file\n", "blank": " \n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := &configFile{name: filepath.Join(dir, "relay.yaml"), given: parseEnviron([]string{
		"A=one", "B_2=${A}", "EMPTY=", "C_FILE=" + filepath.Join(dir, "token"), "D=x", "D_FILE=y", "LONG=" + strings.Repeat("hush", 16<<10),
	})}
	tests := []struct{ text, want, fault string }{
		{text: "", want: ""},
		{text: "plain $ $$ $A } {A}", want: "plain $ $$ $A } {A}"},
		{text: "${A}", want: "one"},
		{text: "a${A}b${B_2}c", want: "aoneb${A}c"},
		{text: "${C}", want: "from ${A} file"},
		{text: "${file:token}!", want: "from ${A} file!"},
		{text: "${file:" + filepath.Join(dir, "token") + "}", want: "from ${A} file"},
		{text: "$${A}", want: "${A}"},
		{text: "$$${A}", want: "$${A}"},
		{text: "${A}$${A}${A}", want: "one${A}one"},
		{text: "${UNSET}", fault: "variable UNSET is not set"},
		{text: "${EMPTY}", fault: "variable EMPTY is not set"},
		{text: "${D}", fault: "variable D: is set and so is D_FILE; keep one of them"},
		{text: "hush${A", fault: "has a ${ without its }; a literal ${ is written $${"},
		{text: "${}", fault: "has a ${...} that names no variable; want ${NAME} or ${file:PATH}, and $${ for a literal ${"},
		{text: "${hush hush}", fault: "has a ${...} that names no variable; want ${NAME} or ${file:PATH}, and $${ for a literal ${"},
		{text: "${2A}", fault: "has a ${...} that names no variable; want ${NAME} or ${file:PATH}, and $${ for a literal ${"},
		{text: "${A:-hush}", fault: "has a ${...} that names no variable; want ${NAME} or ${file:PATH}, and $${ for a literal ${"},
		{text: strings.Repeat("${LONG}", 17), fault: "stands for more than 1048576 bytes"},
		{text: "${file:}", fault: "${file:} names no file; want ${file:PATH}"},
		{text: "${file:none}", fault: `cannot read "` + filepath.Join(dir, "none") + `": no such file or directory`},
		{text: "${file:blank}", fault: `file "` + filepath.Join(dir, "blank") + `" is empty`},
	}
	for _, tt := range tests {
		got, err := f.expand(tt.text)
		switch {
		case tt.fault == "" && (err != nil || got != tt.want):
			t.Errorf("%q is %q, %v; want %q", tt.text, got, err, tt.want)
		case tt.fault != "" && (err == nil || err.Error() != tt.fault):
			t.Errorf("%q: fault %v, want %s", tt.text, err, tt.fault)
		}
	}
}

// Text that comes from a variable cannot become a part of the file.
func TestExpansionsStayValues(t *testing.T) {
	cfg, _, err := loadRouting(t, "connections:\n  a:\n    platform: ${P}\n    app_id: x\n    region: eu\n    api_key: ${K}\n",
		"P=cometchat", "K=k,region:us}&{#x")
	if err != nil {
		t.Fatal(err)
	}
	if got := cfg.Routing.Connections[0].Setup.(cometchatSetup).Config.APIKey; got != "k,region:us}&{#x" {
		t.Errorf("the key is %q", got)
	}
}
