package ingest_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay/ingest"
)

// A body that is announced as too large is refused before a byte of it is asked for.
func TestALengthOverTheLimitIsRefusedUnread(t *testing.T) {
	cases := []struct {
		name   string
		length int64
		status int
	}{
		{"at the limit", ingest.MaxBody, http.StatusContinue},
		{"over the limit", ingest.MaxBody + 1, http.StatusRequestEntityTooLarge},
		{"far over the limit", 1 << 60, http.StatusRequestEntityTooLarge},
	}
	b := bustest.Open(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			h := serve(t, b, 0, nil)
			conn, err := (&net.Dialer{}).DialContext(bustest.Context(t), "tcp", strings.TrimPrefix(h.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := conn.SetDeadline(time.Now().Add(bustest.Patience)); err != nil {
				t.Fatal(err)
			}
			head := "POST /hooks/support HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"
			if _, err := fmt.Fprintf(conn, head, c.length); err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != c.status {
				t.Errorf("answer %s, want %d", answer.Status, c.status)
			}
		})
	}
}
