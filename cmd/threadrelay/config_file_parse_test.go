package main

import (
	"strings"
	"testing"
)

// What is no YAML, or more of YAML than is taken here, has a place. Nothing of a value is repeated: it may be a password.
func TestFileSyntax(t *testing.T) {
	const head = "connections:\n  a:\n    platform: cometchat\n"
	tests := []struct{ name, text, want string }{
		{"colon in a value", head + "    api_key: hush: hush\n", "4:18: not valid YAML: mapping values are not allowed in this context"},
		{"indentation", head + "   api_key: hush\n", "4:4: not valid YAML: did not find expected key, while parsing a block mapping that begins at line 2, column 3"},
		{"tab", head + "\tapi_key: hush\n", "4:1: not valid YAML: found a tab character that violates indentation, while scanning a plain scalar that begins at line 3, column 15"},
		{"open quote", head + "    api_key: \"hush\n", "5:1: not valid YAML: found unexpected end of stream, while scanning a quoted scalar that begins at line 4, column 14"},
		{"braces", "connections:\n  a: {api_key: ${HUSH}}\n", "2:17: not valid YAML: did not find expected ',' or '}', while parsing a flow mapping that begins at line 2, column 6; inside { } and [ ] a value with ${...} needs quotes"},
		{"at sign", head + "    api_key: @hush\n", "4:14: not valid YAML: found character that cannot start any token"},
		{"alias", head + "    api_key: *hush\n", "4:14: anchors and aliases are not allowed; a value that begins with & or * needs quotes"},
		{"anchor", head + "    api_key: &hush\n", "4:14: anchors and aliases are not allowed"},
		{"tag", head + "    api_key: !hush x\n", "4:14: tags are not allowed; a value that begins with ! needs quotes"},
		{"standard tag", head + "    api_key: !!binary hush\n", "4:14: tags are not allowed"},
		{"second document", head + "    app_id: x\n    region: eu\n    api_key: k\n---\nb: 2\n", "7:1: a second document begins; want one"},
		{"broken second document", head + "---\nb: c: d\n", "5:5: not valid YAML: mapping values"},
		{"not UTF-8", head + "    api_key: h\xffsh\n", "4:15: a character that YAML does not allow; want UTF-8 text"},
		{"control character", head + "    api_key: \"h\x01sh\"\n", "4:16: a character that YAML does not allow"},
		{"UTF-16", "\xff\xfea\x00", "1:1: a character that YAML does not allow"},
		{"other version", "%YAML 9.9\n---\na: b\n", "1:1: not valid YAML: found incompatible YAML document"},
		{"deep", strings.Repeat("[", 40) + strings.Repeat("]", 40), "1:33: too deep; want 32 levels at most"},
		{"very deep", strings.Repeat("[", maxConfigFile), "1:10001: not valid YAML: exceeded max depth"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadRouting(t, tt.text)
			if err == nil {
				t.Fatal("no fault")
			}
			first, _, _ := strings.Cut(err.Error(), "\n")
			_, fault, _ := strings.Cut(first, "relay.yaml:")
			if !strings.HasPrefix(fault, tt.want) {
				t.Errorf("fault is %.300s\nwant     %s", fault, tt.want)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("a fault shows a secret: %v", err)
			}
		})
	}
}

// An alias that stands for ever more of itself is refused before anything is made of it.
func TestFileOfLaughs(t *testing.T) {
	text := "a: &a [x, x]\n"
	for c := 'b'; c <= 'z'; c++ {
		text += string(c) + ": &" + string(c) + " [*" + string(c-1) + ", *" + string(c-1) + "]\n"
	}
	_, _, err := loadRouting(t, text)
	if err == nil || !strings.Contains(err.Error(), "relay.yaml:2:8: anchors and aliases are not allowed") {
		t.Errorf("error %v", err)
	}
}

func TestFileTypes(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"list at the top", "- a\n", "1:1: is a list; want keys with values"},
		{"text at the top", "hello\n", "1:1: is a single value; want keys with values"},
		{"list of connections", "connections: [a]\n", "1:14: connections: is a list; want keys with values"},
		{"text as a connection", "connections: {a: b}\n", "1:18: connections.a: is a single value; want keys with values"},
		{"key that is a list", "connections:\n  ? [a]\n  : {}\n", "2:5: connections: a key that is no single value"},
		{"merge", "connections:\n  a: {<<: {platform: cometchat}}\n", "2:6: connections.a.platform: is missing; known: cometchat"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadRouting(t, tt.text)
			wantFileFaults(t, err, tt.want)
		})
	}
}
