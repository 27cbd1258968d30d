package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// maxDepth bounds how deep values stand in one another; a configuration needs six levels.
const maxDepth = 32

// parse returns the document that the text holds. It is nil if there is none, or if the text is not YAML that is allowed here.
func (f *configFile) parse(text []byte) *yaml.Node {
	if at, ok := unreadable(text); ok {
		f.fault(at, "", "a character that YAML does not allow; want UTF-8 text without control characters")
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(text))
	if err != nil {
		f.syntax(err, text)
		return nil
	}
	var first, second yaml.Node
	switch err := loader.Load(&first); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		f.syntax(err, text)
		return nil
	}
	switch err := loader.Load(&second); {
	case err == nil:
		f.fault(placeOf(&second), "", "a second document begins; want one")
	case !errors.Is(err, io.EOF):
		f.syntax(err, text)
		return nil
	}
	if !f.plain(&first, 0) || len(first.Content) == 0 {
		return nil
	}
	return first.Content[0]
}

// unreadable finds the first character that cannot be part of YAML.
func unreadable(text []byte) (place, bool) {
	at := place{1, 1}
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 {
			return at, true
		}
		at.column++
		if r == '\n' {
			at = place{at.line + 1, 1}
		}
		text = text[size:]
	}
	return place{}, false
}

// syntax records what the library says about the text. Only what it says about the form is repeated: the rest may quote values.
func (f *configFile) syntax(err error, text []byte) {
	var wrong *yaml.LoadError
	if !errors.As(err, &wrong) {
		f.fault(place{1, 1}, "", "not valid YAML")
		return
	}
	mark := wrong.Mark
	if mark.Line == 0 {
		mark = wrong.ContextMark
	}
	at := place{max(mark.Line, 1), max(mark.Column, 1)}
	switch wrong.Stage {
	case yaml.ScannerStage, yaml.ParserStage:
		f.fault(at, "", "not valid YAML: %s%s%s", wrong.Message, surrounding(wrong), hint(text, at.line))
	case yaml.ComposerStage:
		f.fault(at, "", "%s", noAlias)
	default:
		f.fault(at, "", "not valid YAML")
	}
}

// surrounding tells in what the fault stands, if that begins elsewhere.
func surrounding(wrong *yaml.LoadError) string {
	if wrong.ContextMsg == "" || wrong.ContextMark.Line == 0 || wrong.ContextMark == wrong.Mark {
		return ""
	}
	return ", " + wrong.ContextMsg + " that begins at " + wrong.ContextMark.String()
}

// hint helps with the mistake that is made most.
func hint(text []byte, line int) string {
	for range line - 1 {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	text, _, _ = bytes.Cut(text, []byte("\n"))
	if !strings.Contains(string(text), "${") {
		return ""
	}
	return "; inside { } and [ ] a value with ${...} needs quotes"
}

// What is not taken of YAML. It would let a small file stand for a large one, or a value for something else.
const (
	noAlias = "anchors and aliases are not allowed; a value that begins with & or * needs quotes"
	noTag   = "tags are not allowed; a value that begins with ! needs quotes"
	tooDeep = "too deep; want 32 levels at most"
)

// plain reports whether node and all below it use nothing that is not taken, and records where they do.
func (f *configFile) plain(node *yaml.Node, depth int) bool {
	at, fine := placeOf(node), true
	refuse := func(problem string) { f.fault(at, "", "%s", problem); fine = false }
	if depth > maxDepth {
		refuse(tooDeep)
		return fine
	}
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		refuse(noAlias)
	}
	if node.Style&yaml.TaggedStyle != 0 {
		refuse(noTag)
	}
	for _, below := range node.Content {
		fine = f.plain(below, depth+1) && fine
	}
	return fine
}

// placeOf is where a node begins.
func placeOf(node *yaml.Node) place { return place{max(node.Line, 1), max(node.Column, 1)} }
