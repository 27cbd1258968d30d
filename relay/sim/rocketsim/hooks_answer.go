package rocketsim

import (
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"
)

// verdict is what follows an attempt to call a webhook.
type verdict string

const (
	succeeded verdict = ""
	retry     verdict = "retry"
	disabled  verdict = "disabled"
	givenUp   verdict = "given up"
)

// verdict is what the server makes of an answer (Rocket.Chat: triggerHandler.ts, executeTriggerUrl). An empty one is a failure
// whatever its status is, and one that did not come is not asked for again.
func (a hookAnswer) verdict(err error) verdict {
	switch {
	case err != nil:
		return givenUp
	case len(a.body) == 0:
		return retry
	case a.status == http.StatusOK, a.status == http.StatusCreated, a.status == http.StatusAccepted:
		return succeeded
	case a.status == http.StatusGone:
		return disabled
	case a.status == http.StatusInternalServerError:
		return givenUp
	}
	return retry
}

func mediaType(h http.Header) string {
	kind, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return kind
}

// answerDoc is an answer that is to be posted; nil when it has nothing to post.
func (a hookAnswer) answerDoc() map[string]any {
	kinds := []string{"application/json", "text/javascript", "application/javascript", "application/x-javascript"}
	var doc map[string]any
	if !slices.Contains(kinds, a.kind) || json.Unmarshal(a.body, &doc) != nil || !truthy(doc["text"]) && !truthy(doc["attachments"]) {
		return nil
	}
	return doc
}

// postAnswer posts an answer as the integration's user (Rocket.Chat: processWebhookMessage.ts), and returns the message's id, or why
// it was not posted; neither when there is nothing to post.
func (s *Server) postAnswer(in *integration, j hookJob, a hookAnswer) (posted, unposted string) {
	doc := a.answerDoc()
	if doc == nil {
		return "", ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	by := s.names[in.Username]
	if as := s.names[j.author]; in.ImpersonateUser && as != nil {
		by = as
	}
	if by == nil {
		return "", "rocketsim: the integration's user is gone"
	}
	room := s.answerRoom(in, j, by, doc)
	if room == nil {
		return "", "rocketsim: there is no such room"
	}
	if err := s.mayPost(by, room); err != nil {
		return "", err.Error()
	}
	m, err := s.post(posting{by: by, room: room, doc: in.answerMessage(doc)})
	if err != nil {
		return "", err.Error()
	}
	return m.ID, ""
}

// answerRoom is where an answer goes; the caller holds s.mu.
func (s *Server) answerRoom(in *integration, j hookJob, by *user, doc map[string]any) *room {
	at, _ := doc["channel"].(string)
	if at == "" {
		at, _ = doc["roomId"].(string)
	}
	if at == "" {
		at = in.TargetRoom
	}
	if at == "" {
		return s.rooms[j.rid]
	}
	return s.place(by, at)
}

// answerMessage is the message that an answer asks for; what it does not say, the integration does.
func (in *integration) answerMessage(doc map[string]any) map[string]any {
	first := func(keys ...string) string {
		for _, key := range keys {
			if s, _ := doc[key].(string); s != "" {
				return s
			}
		}
		return ""
	}
	m := map[string]any{"msg": strings.TrimSpace(first("text", "msg")), "groupable": false, "bot": map[string]any{"i": in.ID}}
	for key, value := range map[string]string{
		"alias": first("username", "alias"), "avatar": first("icon_url", "avatar"), "emoji": first("icon_emoji", "emoji"), "tmid": first("tmid"),
	} {
		if value != "" {
			m[key] = value
		}
	}
	for key, value := range map[string]string{"alias": in.Alias, "avatar": in.Avatar, "emoji": in.Emoji} {
		if _, said := m[key]; !said && value != "" {
			m[key] = value
		}
	}
	if list, ok := doc["attachments"].([]any); ok {
		m["attachments"] = list
	}
	return m
}

const (
	powersOfTen     = "powers-of-ten"
	powersOfTwo     = "powers-of-two"
	incrementsOfTwo = "increments-of-two"
)

// retryWait is how long the server waits after an attempt has failed, before the next; tries counts the failed ones before it. It
// is false for a delay that it does not know, which ends the attempts.
func retryWait(delay string, tries int) (time.Duration, bool) {
	const longest = 1 << 62 // nanoseconds
	var step, factor time.Duration
	switch delay {
	case powersOfTen, "":
		step, factor = 100*time.Millisecond, 10
	case powersOfTwo:
		step, factor = 2*time.Second, 2
	case incrementsOfTwo:
		return time.Duration(min(tries, 1<<30)+1) * 2 * time.Second, true
	default:
		return 0, false
	}
	for range tries {
		if step > longest/factor {
			return longest, true
		}
		step *= factor
	}
	return step, true
}
