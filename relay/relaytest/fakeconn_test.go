package relaytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// fake is a connection to the fake platform. With a flaw it breaks the promise of that name.
type fake struct {
	url    string
	key    string
	closed bool
	flaw   string
	can    event.Capabilities
	http   *http.Client
	ended  <-chan struct{} // closed when the test ends

	mu     sync.Mutex
	places map[event.MessageID]event.ThreadRef
	count  int
}

func (f *fake) has(flaw string) bool { return f.flaw == flaw }

// String prints the connection without its key.
func (f *fake) String() string { return "fake.Connection{" + f.url + "}" }

// Format does so whatever the verb.
func (f *fake) Format(s fmt.State, verb rune) {
	text := f.String()
	if f.has("prints its key") && verb == 'x' || f.has("prints its key in a struct") && s.Flag('+') {
		text += f.key
	}
	_, _ = io.WriteString(s, text)
}

// LogValue does so in a log.
func (f *fake) LogValue() slog.Value {
	if f.has("logs its key") {
		return slog.StringValue(f.key)
	}
	return slog.StringValue(f.String())
}

// refused is the fake platform's refusal.
type refused struct {
	status     int
	code, text string
	after      time.Duration
}

func (r *refused) Error() string { return fmt.Sprintf("HTTP %d %s %s", r.status, r.code, r.text) }

// clean takes the key out of a text.
func (f *fake) clean(s string) string { return strings.ReplaceAll(s, f.key, "***") }

// ask makes a request and reads the data of its answer.
func (f *fake) ask(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	if f.has("goes on when it is given up") && strings.HasPrefix(path, "/users") || f.has("asks although it was given up") && method == "PUT" {
		ctx = context.WithoutCancel(ctx)
	}
	req, err := http.NewRequestWithContext(ctx, method, f.url+path, &body)
	if err != nil {
		return err
	}
	req.Header.Set("X-Key", f.key)
	if f.has("leaves something behind") {
		go func() { <-f.ended }()
	}
	resp, err := f.http.Do(req)
	if err != nil && ctx.Err() == nil && method == "POST" && f.has("tries again by itself") {
		return f.ask(ctx, method, path, in, out)
	}
	switch {
	case err != nil && f.has("hides why it ended"):
		return errors.New("the platform did not answer")
	case err != nil:
		return err
	}
	defer resp.Body.Close()
	if waits := f.has("waits for another protocol") && method == "POST"; resp.StatusCode == http.StatusSwitchingProtocols && !waits {
		return &refused{status: resp.StatusCode}
	}
	const most = 1 << 20
	limit := int64(most)
	if f.has("reads without end") && method == "POST" {
		limit = 1 << 40
	}
	text, readErr := io.ReadAll(io.LimitReader(resp.Body, limit))
	if f.has("dawdles over white space") && method == "POST" && bytes.HasSuffix(text, []byte("  ")) {
		slow, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		<-slow.Done()
	}
	return f.understand(resp, text, readErr, out)
}

// understand reads an answer.
func (f *fake) understand(resp *http.Response, text []byte, readErr error, out any) error {
	var answer struct {
		Data  json.RawMessage
		Error struct{ Code, Message string }
	}
	parseErr := json.Unmarshal(text, &answer)
	ok := resp.StatusCode < 300
	switch {
	case readErr != nil && (ok || errors.Is(readErr, context.Canceled)):
		return readErr
	case ok && parseErr != nil:
		if f.has("takes an empty answer for a good one") && len(text) == 0 {
			return nil
		}
		if f.has("takes an unknown outcome for a refusal") {
			return &refused{status: resp.StatusCode}
		}
		return errors.New("an answer that is not JSON")
	case !ok || answer.Error.Code != "" || answer.Data == nil:
		r := &refused{resp.StatusCode, f.clean(answer.Error.Code), f.clean(answer.Error.Message), f.wait(resp.Header.Get("Retry-After"))}
		if f.has("repeats what the platform says") {
			r.text = answer.Error.Message
		}
		return r
	case out == nil:
		return nil
	}
	return json.Unmarshal(answer.Data, out)
}

// wait reads a Retry-After.
func (f *fake) wait(s string) time.Duration {
	s = strings.TrimSpace(s)
	if f.has("does not know how long to wait") {
		return 0
	}
	if at, err := http.ParseTime(s); err == nil {
		return max(0, time.Until(at))
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n != n {
		return 0
	}
	if f.has("waits for ever") && n > 1e9 {
		return 1 << 60
	}
	return time.Duration(max(0, min(n, 3600)) * float64(time.Second))
}

// fakeKind is what a refusal means.
func fakeKind(call string, status int, code string) relay.Kind {
	switch {
	case code == "busy" || status == 429:
		return relay.RateLimited
	case code == "gone" && slices.Contains([]string{"reply", "thread", "complete"}, call):
		return relay.RootGone
	case code == "no_user" || status == 401 || status == 403:
		return relay.Denied
	case status == 408 || status == 425 || status >= 500:
		return relay.Temporary
	}
	return relay.Rejected
}

// fail makes the Failure of a call about something.
func (f *fake) fail(call, about string, err error) error {
	out := &relay.Failure{Kind: relay.Temporary}
	var r *refused
	if errors.As(err, &r) {
		out.Kind, out.After = fakeKind(call, r.status, r.code), r.after
		switch {
		case f.has("forgets a status") && r.status == 418, f.has("forgets a code") && r.code == "busy":
			out.Kind = relay.Temporary
		case f.has("waits by itself") && call == "poll" && r.status == 500:
			out.After = time.Second
		}
	}
	if f.has("takes a cut for a refusal") && out.Kind == relay.Temporary && r == nil {
		out.Kind = relay.Rejected
	}
	out.Err = fmt.Errorf("fake: %s %s: %w", call, about, err)
	switch {
	case f.has("does not name what failed"):
		out.Err = fmt.Errorf("fake: %s: %w", call, err)
	case f.has("does not name the platform"):
		out.Err = fmt.Errorf("%s %s: %w", call, about, err)
	case f.has("does not name the status") && r != nil:
		out.Err = fmt.Errorf("fake: %s %s: %s", call, about, r.code)
	case f.has("returns a plain error for polls") && call == "poll":
		return out.Err
	case f.has("returns a plain error") && (call == "find" || call == "post"):
		return out.Err
	}
	return out
}

func rejected(format string, args ...any) error {
	return &relay.Failure{Kind: relay.Rejected, Err: fmt.Errorf("fake: "+format, args...)}
}

func ref(conversation, root string) event.ThreadRef {
	return event.ThreadRef{Connection: "fk", Conversation: event.ConversationID(conversation), Root: event.MessageID(root)}
}

// thread is where a message was said.
func (m *message) thread() event.ThreadRef {
	root := m.Parent
	if root == 0 {
		root = m.ID
	}
	return ref(m.Conversation, strconv.Itoa(root))
}

// isID reports whether a message may have the id.
func isID[T ~string](id T) bool {
	_, err := strconv.ParseUint(string(id), 10, 32)
	return err == nil
}

// isConversation reports whether a conversation may have the id.
func isConversation(id event.ConversationID) bool {
	s := string(id)
	return (strings.HasPrefix(s, "group/") || strings.HasPrefix(s, "user/")) && !strings.ContainsAny(s, "\x00. ")
}
