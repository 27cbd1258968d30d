package ingest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus"
	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
	"github.com/threadrelay/threadrelay/relay/ingest"
)

// zip returns n copies of one compressed part, which decompress to n copies of it.
func zip(t *testing.T, part []byte, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(part); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return bytes.Repeat(b.Bytes(), n)
}

// padded returns a message of exactly n bytes.
func padded(id string, n int) string {
	head, tail := fmt.Sprintf(`{"id":%q,"text":"`, id), `"}`
	return head + strings.Repeat("x", n-len(head)-len(tail)) + tail
}

func TestSizesOfBodies(t *testing.T) {
	const limit = ingest.MaxBody
	tooLarge, unreadable := "the body exceeds 512 KiB", "the body could not be read to its end"
	small := []byte(padded("zipped", 2000))
	zipped := zip(t, small, 1)
	cases := []struct {
		name      string
		body      []byte
		chunked   bool
		encoding  string
		status    int
		problem   string
		calls     string
		newEvents int
	}{
		{"at the limit", []byte(padded("a", limit)), false, "", 200, "", "stored", 1},
		{"at the limit, chunked", []byte(padded("b", limit)), true, "", 200, "", "stored", 1},
		{"over the limit", []byte(padded("c", limit+1)), false, "", 413, tooLarge, "too_large", 0},
		{"over the limit, chunked", []byte(padded("d", limit+1)), true, "", 413, tooLarge, "too_large", 0},
		{"far over the limit", []byte(padded("e", 4*limit)), false, "", 413, tooLarge, "too_large", 0},
		{"far over the limit, chunked", []byte(padded("f", 4*limit)), true, "", 413, tooLarge, "too_large", 0},
		{"gzip", zipped, false, "gzip", 200, "", "stored", 1},
		{"gzip, repeated in capitals and chunked", zipped, true, "GZIP", 200, "", "duplicate", 0},
		{"gzip to the limit", zip(t, []byte(padded("g", limit)), 1), false, "gzip", 200, "", "stored", 1},
		{"gzip to one over it", zip(t, []byte(padded("h", limit+1)), 1), false, "gzip", 413, tooLarge, "too_large", 0},
		{"gzip cut off", zipped[:len(zipped)-12], false, "gzip", 400, unreadable, "unreadable", 0},
		{"gzip with a wrong checksum", append(bytes.Clone(zipped[:len(zipped)-8]), 1, 2, 3, 4, 5, 6, 7, 8), false, "gzip", 400, unreadable, "unreadable", 0},
		{"gzip that is none", small, false, "gzip", 400, unreadable, "unreadable", 0},
		{"gzip that is empty", nil, false, "gzip", 400, unreadable, "unreadable", 0},
	}
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	events := 0
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, b, 0, nil)
			var body io.Reader = bytes.NewReader(c.body)
			if c.chunked {
				body = struct{ io.Reader }{body} // a length that the client cannot know is not sent
			}
			r := h.request(body)
			header("Content-Encoding", c.encoding)(r)
			wantAnswer(t, h.do(r), c.status, c.problem)
			h.wantCalls(map[string]int{"support/" + c.calls: 1})
			events += c.newEvents
			wantStored(t, srv, events, 0)
		})
	}
}

// A body of 100 KB that decompresses to 100 MB must cost what the limit costs, and no more.
func TestAGzipBombIsCheap(t *testing.T) {
	srv := bustest.StartServer(t, "")
	h := serve(t, srv.Open(bus.Config{}), 0, nil)
	bomb := zip(t, make([]byte, 1<<20), 100)
	if len(bomb) > 128<<10 {
		t.Fatalf("the bomb is of %d bytes", len(bomb))
	}
	r := h.request(bytes.NewReader(bomb))
	r.Header.Set("Content-Encoding", "gzip")
	rec := httptest.NewRecorder()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	h.handler.ServeHTTP(rec, r)
	runtime.ReadMemStats(&after)
	if rec.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("answer %d %s", rec.Code, rec.Body)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 16*ingest.MaxBody {
		t.Errorf("%d bytes were allocated", got)
	}
	wantStored(t, srv, 0, 0)
}

// cutOff sends a request whose body ends before its end, and returns the answer's first line, if there is one.
func cutOff(t *testing.T, url, head, part string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(bustest.Patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c, "POST /hooks/support HTTP/1.1\r\nHost: x\r\nAuthorization: Basic aG9vazpodW50ZXIy\r\n%s\r\n\r\n%s", head, part); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(answer), "\r\n")
	return line
}

func TestABodyThatIsCutOffIsNotStored(t *testing.T) {
	const whole = `{"id":"1","text":"hi"}` // valid as far as it was sent, and yet not all that was promised
	cases := map[string]struct{ head, part string }{
		"by length":           {"Content-Length: 500", whole},
		"by length, no body":  {"Content-Length: 500", ""},
		"chunked":             {"Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n", len(whole), whole)},
		"chunked, in a chunk": {"Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s", 500, whole)},
	}
	srv := bustest.StartServer(t, "")
	b := srv.Open(bus.Config{})
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			platform := receiver(func(http.Header, []byte) ([]event.Event, error) {
				t.Error("the platform was given a part")
				return nil, relay.ErrNotJSON
			})
			h := serve(t, b, 0, map[event.ConnectionID]relay.Receiver{"support": platform})
			if got := cutOff(t, h.url, c.head, c.part); got != "HTTP/1.1 400 Bad Request" {
				t.Errorf("answer %q", got)
			}
			h.wantCalls(map[string]int{"support/unreadable": 1})
			wantStored(t, srv, 0, 0)
		})
	}
	// The same bytes as a whole are taken, so it is the cut that is refused.
	h := serve(t, b, 0, nil)
	if got := cutOff(t, h.url, fmt.Sprintf("Content-Length: %d", len(whole)), whole); got != "HTTP/1.1 200 OK" {
		t.Errorf("answer %q", got)
	}
	wantStored(t, srv, 1, 0)
}
