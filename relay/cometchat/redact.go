package cometchat

import (
	"bytes"
	"encoding/json"
	"strings"
)

// removed stands where a credential stood.
const removed = "[removed]"

// Redact returns a call's body without the credentials in it. What is not JSON has no places where they could be looked for:
// of that nothing is left.
func (c *Connection) Redact(body []byte) []byte {
	if !json.Valid(body) {
		return encodeString(removed)
	}
	return redact(body, c.key.literal())
}

// redact returns JSON without credentials: the values of keys that name one (at any depth), user and password in URLs, the
// file access token "fat" in a query, and the literal secret wherever a string holds it. All else keeps its bytes; if there
// is nothing to remove, the result is body itself. The body must be valid JSON.
func redact(body []byte, secret string) []byte {
	r := redactor{in: body, secret: secret}
	r.value()
	if r.kept == 0 {
		return body
	}
	return append(r.out, body[r.kept:]...)
}

// redactor walks valid JSON once. What lies before kept has been copied to out.
type redactor struct {
	in     []byte
	pos    int
	out    []byte
	kept   int
	secret string
}

func (r *redactor) value() {
	r.space()
	switch r.peek() {
	case '{':
		r.object()
	case '[':
		r.array()
	case '"':
		start := r.pos
		r.string()
		r.clean(start)
	default:
		r.scalar()
	}
}

// skip moves past a value of any kind without looking for credentials in it.
func (r *redactor) skip() {
	for depth := 0; r.pos < len(r.in); {
		switch r.peek() {
		case '{', '[':
			depth++
			r.pos++
		case '}', ']':
			depth--
			r.pos++
		case '"':
			r.string()
		case ',', ':', ' ', '\t', '\r', '\n':
			r.pos++
			continue
		default:
			r.scalar()
		}
		if depth == 0 {
			return
		}
	}
}

// scalar moves past a number, true, false or null.
func (r *redactor) scalar() {
	for r.pos < len(r.in) && !strings.ContainsRune(",]} \t\r\n", rune(r.in[r.pos])) {
		r.pos++
	}
}

func (r *redactor) object() {
	for r.pos++; ; {
		r.space()
		switch r.peek() {
		case '}', 0:
			r.pos++
			return
		case ',':
			r.pos++
		default:
			r.member()
		}
	}
}

func (r *redactor) member() {
	start := r.pos
	r.string()
	key := r.in[start:r.pos]
	r.clean(start)
	r.space()
	r.pos++ // the colon
	r.space()
	start = r.pos
	if !isSecretKey(decodeString(key)) {
		r.value()
		return
	}
	r.skip()
	if string(r.in[start:r.pos]) != `"`+removed+`"` {
		r.replace(start, removed)
	}
}

func (r *redactor) array() {
	for r.pos++; ; {
		r.space()
		switch r.peek() {
		case ']', 0:
			r.pos++
			return
		case ',':
			r.pos++
		default:
			r.value()
		}
	}
}

// string moves past a string.
func (r *redactor) string() {
	for r.pos++; r.pos < len(r.in); r.pos++ {
		switch r.in[r.pos] {
		case '\\':
			r.pos++
		case '"':
			r.pos++
			return
		}
	}
}

// clean replaces the string from start to here if there is something to remove from it.
func (r *redactor) clean(start int) {
	raw := r.in[start:r.pos]
	if !bytes.ContainsAny(raw, `@=\`) && (r.secret == "" || !bytes.Contains(raw, []byte(r.secret))) {
		return
	}
	was := decodeString(raw)
	is := cleanText(was, r.secret)
	if is != was {
		r.replace(start, is)
	}
}

func (r *redactor) replace(start int, s string) {
	r.out = append(r.out, r.in[r.kept:start]...)
	r.out = append(r.out, encodeString(s)...)
	r.kept = r.pos
}

func (r *redactor) space() {
	for r.pos < len(r.in) && strings.ContainsRune(" \t\r\n", rune(r.in[r.pos])) {
		r.pos++
	}
}

func (r *redactor) peek() byte {
	if r.pos < len(r.in) {
		return r.in[r.pos]
	}
	return 0
}

// isSecretKey reports whether the value of an object's key is a credential.
func isSecretKey(key string) bool {
	switch strings.ToLower(key) {
	case "apikey", "api_key", "authkey", "auth_key", "authtoken", "auth_token", "accesstoken", "access_token", "refreshtoken",
		"refresh_token", "authorization", "password", "secret", "token", "fat":
		return true
	}
	return false
}

// cleanText removes a literal secret, and the credentials of the URLs in s.
func cleanText(s, secret string) string {
	if secret != "" {
		s = strings.ReplaceAll(s, secret, removed)
	}
	return cleanQuery(cleanUserInfo(s))
}

// cleanUserInfo removes what stands between "://" and the last "@" of a URL's authority.
func cleanUserInfo(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "://")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("://")
		end := strings.IndexAny(after, "/?#\\<>\"' \t\r\n")
		if end < 0 {
			end = len(after)
		}
		if at := strings.LastIndexByte(after[:end], '@'); at > 0 {
			b.WriteString(removed)
			after = after[at:]
		}
		s = after
	}
}

// cleanQuery removes the value of each query parameter "fat", CometChat's file access token.
func cleanQuery(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		b.WriteByte(s[i])
		if s[i] != '=' || i < 4 || !strings.ContainsRune("?&;", rune(s[i-4])) || !strings.EqualFold(s[i-3:i], "fat") {
			continue
		}
		end := strings.IndexAny(s[i+1:], "&;#<>\"' \t\r\n")
		if end < 0 {
			end = len(s) - i - 1
		}
		if end > 0 {
			b.WriteString(removed)
			i += end
		}
	}
	return b.String()
}

func decodeString(raw []byte) string {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return ""
	}
	return s
}

func encodeString(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return []byte(`"` + removed + `"`) // a string always has a JSON form
	}
	return bytes.TrimRight(b.Bytes(), "\n")
}
