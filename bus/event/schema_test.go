package event_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/threadrelay/threadrelay/bus/event"
)

// schemaFile is a schema as it is written.
type schemaFile struct {
	Type       any                   `json:"type"`
	Ref        string                `json:"$ref"`
	Format     string                `json:"format"`
	Required   []string              `json:"required"`
	Properties map[string]schemaFile `json:"properties"`
	Items      *schemaFile           `json:"items"`
	Defs       map[string]schemaFile `json:"$defs"`
}

func schemaPath(name string) string { return filepath.Join("schema", name) }

// compiled returns a schema that validates.
func compiled(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	data, err := os.ReadFile(schemaPath(name))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func valid(s *jsonschema.Schema, data []byte) error {
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		return err
	}
	return s.Validate(v)
}

func TestGoldenFilesAreAsTheSchemaSays(t *testing.T) {
	events, actions := compiled(t, "event.v1.json"), compiled(t, "action.v1.json")
	for name := range goldenEvents() {
		if err := valid(events, []byte(golden(t, name, nil))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name := range goldenActions() {
		if err := valid(actions, []byte(golden(t, name, nil))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := valid(events, []byte(golden(t, name, nil))); err == nil {
			t.Errorf("%s is taken for an event", name)
		}
	}
	receipts := compiled(t, "receipt.v1.json")
	for name := range goldenReceipts() {
		if err := valid(receipts, []byte(golden(t, name, nil))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := valid(actions, []byte(golden(t, name, nil))); err == nil {
			t.Errorf("%s is taken for an action", name)
		}
	}
}

// What Validate refuses the schema refuses, so that a bot in another language can find out before it publishes.
func TestSchemasRefuseWhatValidateRefuses(t *testing.T) {
	events, actions := compiled(t, "event.v1.json"), compiled(t, "action.v1.json")
	for name, c := range eventFaults() {
		e := c.of()
		c.spoil(&e)
		e.Version = event.Version
		if err := valid(events, marshal(t, e)); err == nil {
			t.Errorf("event: %s: the schema takes it", name)
		}
	}
	for name, c := range actionFaults() {
		a := c.of()
		c.spoil(&a)
		a.Version = event.Version
		if err := valid(actions, marshal(t, a)); err == nil {
			t.Errorf("action: %s: the schema takes it", name)
		}
	}
	receipts := compiled(t, "receipt.v1.json")
	for name, c := range receiptFaults() {
		r := c.of()
		c.spoil(&r)
		r.Version = event.Version
		if err := valid(receipts, marshal(t, r)); err == nil {
			t.Errorf("receipt: %s: the schema takes it", name)
		}
	}
	for _, version := range []int{0, event.Version + 1} {
		e, a, r := created(), reply(), receipt()
		e.Version, a.Version, r.Version = version, version, version
		if valid(events, marshal(t, e)) == nil || valid(actions, marshal(t, a)) == nil || valid(receipts, marshal(t, r)) == nil {
			t.Errorf("version %d: the schema takes it", version)
		}
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Every field has its place in the schema with the right type, and the schema has none besides.
func TestSchemasMatchTheTypes(t *testing.T) {
	for name, typ := range map[string]reflect.Type{
		"event.v1.json": reflect.TypeFor[event.Event](), "action.v1.json": reflect.TypeFor[event.Action](),
		"receipt.v1.json": reflect.TypeFor[event.Receipt](),
	} {
		data, err := os.ReadFile(schemaPath(name))
		if err != nil {
			t.Fatal(err)
		}
		var root schemaFile
		if err := json.Unmarshal(data, &root); err != nil {
			t.Fatal(err)
		}
		m := matcher{t: t, root: root, seen: map[string]bool{}}
		m.match(name, root, typ)
		for def := range root.Defs {
			if !m.seen[def] {
				t.Errorf("%s: nothing is a %s", name, def)
			}
		}
	}
}

// matcher compares a schema with a type, and what they hold.
type matcher struct {
	t    *testing.T
	root schemaFile
	seen map[string]bool // the definitions that were referred to
}

func (m matcher) match(path string, s schemaFile, typ reflect.Type) {
	if def, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
		m.seen[def] = true
		if _, ok := m.root.Defs[def]; !ok {
			m.t.Errorf("%s: there is no %s", path, s.Ref)
		}
		s = m.root.Defs[def]
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch {
	case typ == reflect.TypeFor[time.Time]():
		if s.Type != "string" || s.Format != "date-time" {
			m.t.Errorf("%s: %v (%s) is no time", path, s.Type, s.Format)
		}
	case typ == reflect.TypeFor[json.RawMessage](): // an object or anything
		if s.Type != nil && s.Type != "object" {
			m.t.Errorf("%s is %v", path, s.Type)
		}
	case typ.Kind() == reflect.Struct:
		m.matchStruct(path, s, typ)
	case typ.Kind() == reflect.Slice:
		if s.Type != "array" || s.Items == nil {
			m.t.Errorf("%s: %v is no array", path, s.Type)
			return
		}
		m.match(path+"[]", *s.Items, typ.Elem())
	default:
		want := map[reflect.Kind]string{
			reflect.String: "string", reflect.Bool: "boolean", reflect.Int: "integer", reflect.Int64: "integer",
		}[typ.Kind()]
		if want == "" || s.Type != want {
			m.t.Errorf("%s: %v, want %q", path, s.Type, want)
		}
	}
}

func (m matcher) matchStruct(path string, s schemaFile, typ reflect.Type) {
	if s.Type != "object" {
		m.t.Errorf("%s: %v is no object", path, s.Type)
	}
	fields := map[string]bool{}
	for f := range fieldsOf(typ) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields[name] = true
		property, ok := s.Properties[name]
		if !ok {
			m.t.Errorf("%s.%s is not in the schema", path, name)
			continue
		}
		always, required := options != "omitempty", slices.Contains(s.Required, name)
		// An action always has a conversation; an event may have none.
		if always && !required || required && !always && path+"."+name != "action.v1.json.thread.conversation" {
			m.t.Errorf("%s.%s: required %t, always there %t", path, name, required, always)
		}
		m.match(path+"."+name, property, f.Type)
	}
	for name := range s.Properties {
		if !fields[name] {
			m.t.Errorf("%s.%s is not in the type", path, name)
		}
	}
}

func fieldsOf(typ reflect.Type) func(func(reflect.StructField) bool) {
	return func(yield func(reflect.StructField) bool) {
		for i := range typ.NumField() {
			if !yield(typ.Field(i)) {
				return
			}
		}
	}
}
