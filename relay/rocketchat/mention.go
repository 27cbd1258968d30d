package rocketchat

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/threadrelay/threadrelay/bus/event"
)

// renderMentions writes each "@<user id>" of the mentioned users as "@<username>", and sees to it that the text mentions
// nobody else. "all" and "here" are ids of everybody. Users that do not exist are mentioned by nobody.
func (c *Connection) renderMentions(ctx context.Context, said string, users []event.UserID) (string, error) {
	if !strings.Contains(said, "@") {
		return said, nil
	}
	names := make(map[string]string, len(users)) // by id
	var ids, allowed []string
	for _, id := range users {
		id := string(id)
		if id == "all" || id == "here" {
			allowed = append(allowed, id)
			continue
		}
		if checkID(id) != nil {
			continue
		}
		u, err := c.user(ctx, id)
		switch {
		case IsNoUser(err):
			continue
		case err != nil:
			return "", err
		case u.Username == "":
			continue
		}
		names[id] = u.Username
		ids, allowed = append(ids, id), append(allowed, u.Username)
	}
	return DefuseMentions(replaceIDs(said, ids, names), allowed...), nil
}

// replaceIDs writes names in the place of ids behind an "@".
func replaceIDs(said string, ids []string, names map[string]string) string {
	if len(ids) == 0 {
		return said
	}
	slices.SortFunc(ids, func(a, b string) int { return len(b) - len(a) }) // one may begin with another
	var b strings.Builder
	for rest := said; rest != ""; {
		at := strings.IndexByte(rest, '@')
		if at < 0 {
			b.WriteString(rest)
			break
		}
		b.WriteString(rest[:at+1])
		opens := opensMention(said[:len(said)-len(rest)+at])
		rest = rest[at+1:]
		if !opens {
			continue
		}
		if i := slices.IndexFunc(ids, func(id string) bool { return startsWithName(rest, id) }); i >= 0 {
			b.WriteString(names[ids[i]])
			rest = rest[len(ids[i]):]
		}
	}
	return b.String()
}

// startsWithName reports whether a text begins with a name that ends there.
func startsWithName(s, name string) bool {
	if !strings.HasPrefix(s, name) {
		return false
	}
	after, _ := utf8.DecodeRuneInString(s[len(name):])
	return len(s) == len(name) || !unicode.IsLetter(after) && !unicode.IsDigit(after) && after != '_' && after != '-'
}
