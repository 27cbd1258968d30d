package bots

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"
)

// words splits what is typed behind a command. Double quotes, straight or curly, keep words together. It is no shell's syntax:
// apostrophes, "#" and "$" are what people write, and mean nothing.
func words(s string) ([]string, error) {
	var out []string
	var word strings.Builder
	quoted, begun := false, false
	for _, r := range s {
		switch {
		case strings.ContainsRune(`"“”„`, r):
			quoted, begun = !quoted, true
		case unicode.IsSpace(r) && !quoted:
			if begun {
				out = append(out, word.String())
			}
			word.Reset()
			begun = false
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quoted {
		return nil, errors.New("a quotation mark is missing")
	}
	if begun {
		out = append(out, word.String())
	}
	return out, nil
}

// parser returns a parser of the command's words, and where it puts them.
func (c *command) parser(prefix string, help io.Writer) (*kong.Kong, reflect.Value, error) {
	target := reflect.New(c.args)
	k, err := kong.New(target.Interface(), kong.Name(prefix+c.name), kong.NoDefaultHelp(), kong.Exit(func(int) {}), kong.Writers(help, help),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true}))
	if err != nil {
		return nil, target, fmt.Errorf("the arguments: %w", err)
	}
	return k, target, nil
}

// check reports arguments that cannot be parsed by their tags.
func (c *command) check() error {
	_, _, err := c.parser("", io.Discard)
	return err
}

// parse makes arguments of what is typed.
func (c *command) parse(typed string) (reflect.Value, error) {
	list, err := words(typed)
	if err != nil {
		return reflect.Value{}, err
	}
	k, target, err := c.parser("", io.Discard)
	if err != nil {
		return reflect.Value{}, err
	}
	if _, err := k.Parse(list); err != nil {
		return reflect.Value{}, err
	}
	return target.Elem(), nil
}

// synopsis is the command in one line.
func (c *command) synopsis(prefix string) string {
	k, _, err := c.parser(prefix, io.Discard)
	if err != nil {
		return prefix + c.name
	}
	return strings.Join(strings.Fields(prefix+c.name+" "+strings.ReplaceAll(k.Model.Summary(), "[flags]", "")), " ")
}

// usage says how the command is called, in several lines.
func (c *command) usage(prefix string) string {
	var out bytes.Buffer
	k, _, err := c.parser(prefix, &out)
	if err != nil {
		return prefix + c.name
	}
	ctx, err := kong.Trace(k, nil)
	if err == nil {
		err = ctx.PrintUsage(false)
	}
	if err != nil {
		return prefix + c.name
	}
	text := strings.TrimSpace(out.String())
	if c.about != "" {
		text = c.about + "\n" + text
	}
	return text
}
