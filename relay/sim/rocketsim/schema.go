package rocketsim

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// schema is as much of a JSON schema as the server's typings need. It words its refusals as Ajv does, and like Ajv stops at the first
// (Rocket.Chat: packages/rest-typings).
type schema struct {
	oneOf []schema // exactly one of them must hold; nothing else is looked at

	kind     string // object, string, number, boolean, array; empty takes anything
	nullable bool
	minimum  int      // of characters
	enum     []string // allowed values
	isoTime  bool     // format iso-date-time
	pattern  string   // the value itself, where the server has it as a pattern
	items    *schema
	required []string
	fields   map[string]schema
	strict   bool // no other properties
	coerce   bool // of a query: numbers come as strings
}

// shape is an object that has no other properties.
func shape(required []string, fields map[string]schema) schema {
	return schema{kind: "object", required: required, fields: fields, strict: true}
}

// The values of the schemas.
func someText() schema  { return schema{kind: "string", minimum: 1} }
func anyText() schema   { return schema{kind: "string"} }
func nullText() schema  { return schema{kind: "string", nullable: true} }
func flag() schema      { return schema{kind: "boolean", nullable: true} }
func number() schema    { return schema{kind: "number", nullable: true, coerce: true} }
func anyObject() schema { return schema{kind: "object", nullable: true} }
func isoTime() schema   { return schema{kind: "string", isoTime: true} }

func arrayOf(items schema) schema { return schema{kind: "array", nullable: true, items: &items} }

func oneOf(words ...string) schema { return schema{kind: "string", nullable: true, enum: words} }

// paged is fields with those of a paginated request.
func paged(fields map[string]schema) map[string]schema {
	fields["count"], fields["offset"], fields["sort"] = number(), number(), nullText()
	return fields
}

// check returns what is wrong with a value in Ajv's words; none when nothing is.
func (sc schema) check(v any) []string {
	switch {
	case sc.oneOf != nil:
		return sc.checkOneOf(v)
	case v == nil && sc.nullable:
		return nil
	case sc.kind != "" && !sc.is(v):
		return []string{"must be " + sc.kind}
	}
	switch v := v.(type) {
	case map[string]any:
		return sc.checkObject(v)
	case []any:
		if sc.items == nil {
			return nil
		}
		for _, one := range v {
			if wrong := sc.items.check(one); wrong != nil {
				return wrong
			}
		}
	case string:
		return sc.checkText(v)
	}
	return nil
}

func (sc schema) is(v any) bool {
	_, isObject := v.(map[string]any)
	_, isArray := v.([]any)
	switch sc.kind {
	case "object":
		return isObject
	case "array":
		return isArray
	case "number":
		if s, ok := v.(string); ok && sc.coerce {
			n, err := strconv.ParseFloat(s, 64)
			return err == nil && !math.IsInf(n, 0) && !math.IsNaN(n)
		}
	}
	return !isObject && !isArray && v != nil && typeName(v) == sc.kind
}

func (sc schema) checkOneOf(v any) []string {
	var wrong []string
	fit := 0
	for _, branch := range sc.oneOf {
		found := branch.check(v)
		if found == nil {
			fit++
		}
		wrong = append(wrong, found...)
	}
	const none = "must match exactly one schema in oneOf"
	switch fit {
	case 0:
		return append(wrong, none)
	case 1:
		return nil
	}
	return []string{none}
}

func (sc schema) checkObject(o map[string]any) []string {
	for _, key := range sc.required {
		if _, ok := o[key]; !ok {
			return []string{fmt.Sprintf("must have required property '%s'", key)}
		}
	}
	if sc.strict {
		for key := range o {
			if _, ok := sc.fields[key]; !ok {
				return []string{"must NOT have additional properties"}
			}
		}
	}
	for _, key := range sortedKeys(sc.fields) {
		if v, ok := o[key]; ok {
			if wrong := sc.fields[key].check(v); wrong != nil {
				return wrong
			}
		}
	}
	return nil
}

func (sc schema) checkText(s string) []string {
	switch {
	case len(s) < sc.minimum:
		return []string{fmt.Sprintf("must NOT have fewer than %d characters", sc.minimum)}
	case sc.enum != nil && !slices.Contains(sc.enum, s):
		return []string{"must be equal to one of the allowed values"}
	case sc.pattern != "" && !strings.Contains(s, sc.pattern):
		return []string{fmt.Sprintf("must match pattern %q", sc.pattern)}
	case sc.isoTime && !isISOTime(s):
		return []string{`must match format "iso-date-time"`}
	}
	return nil
}

// isISOTime tells whether a text has Ajv's format iso-date-time: a date and a time with seconds; the zone may be missing.
func isISOTime(s string) bool {
	const format = `(?i)^\d{4}-\d\d-\d\d[t ]\d\d:\d\d:\d\d(\.\d+)?(z|[+-]\d\d(:?\d\d)?)?$`
	if ok, err := regexp.MatchString(format, s); err != nil || !ok {
		return false
	}
	_, ok := parseDate(strings.ToUpper(s))
	return ok
}

// validate checks the parameters of a request.
func (sc *schema) validate(params map[string]any, inQuery bool) error {
	if sc == nil {
		return nil
	}
	wrong := sc.check(params)
	if wrong == nil {
		return nil
	}
	e := plain("%s", strings.Join(wrong, "\n "))
	e.invalid, e.inQuery = true, inQuery
	return e
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// decode reads a body of JSON; what is none is taken for an empty object, as the server does.
func decode(body []byte) map[string]any {
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return map[string]any{}
	}
	if o := object(v); o != nil {
		return o
	}
	return map[string]any{}
}
