package rocketchat

import (
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

// aliasPause is how long aliases are not tried after one was refused: a role may be given meanwhile.
const aliasPause = time.Hour

// maxAlias bounds a name, in characters. The platform has no bound of its own, but the name stands before each text where
// aliases are refused.
const maxAlias = 64

// aliases remembers whether the account may send under other names. The zero value says that it may.
type aliases struct {
	mu     sync.Mutex
	denied time.Time // until when they are not tried
}

func (a *aliases) allowed(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !now.Before(a.denied)
}

func (a *aliases) deny(until time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.denied = until
}

func (a *aliases) allow() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.denied = time.Time{}
}

// face is what a message is shown with instead of its sender's name and picture. The zero value is the sender's own.
type face struct {
	name, avatar string
	// prefix stands before the text where the platform refuses the name.
	prefix string
}

// faceOf returns the face of an identity.
func faceOf(id *event.Identity) face {
	if id == nil {
		return face{}
	}
	name := strings.Join(strings.Fields(strings.ToValidUTF8(id.Name, "")), " ")
	if runes := []rune(name); len(runes) > maxAlias {
		name = string(runes[:maxAlias-1]) + "…"
	}
	if name == "" {
		return face{}
	}
	return face{name: name, avatar: avatarOf(id.Avatar), prefix: "**" + DefuseMentions(EscapeText(boldless(name))) + "**: "}
}

// boldless takes out of a name what would end the bold type that it is set in: there it cannot be escaped.
func boldless(name string) string { return strings.NewReplacer("*", "", "`", "'").Replace(name) }

// avatarOf returns a picture's address if the platform takes it: it refuses the message with any other.
func avatarOf(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return ""
	}
	return s
}
