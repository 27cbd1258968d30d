package egress

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// lanes makes so many calls in each of many lanes, which run at a time.
func lanes(t testing.TB, many, calls int, call func() error) {
	t.Helper()
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			for range calls {
				if err := call(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// gather returns a handler that holds its first calls until so many of them are there, so that each has a socket of its own.
func gather(many int, next http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	var seen int
	all := make(chan struct{})
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen++
		if seen == many {
			close(all)
		}
		mu.Unlock()
		select {
		case <-all:
		case <-r.Context().Done():
		}
		next(w, r)
	}
}

func says(status, size int, announced bool) http.HandlerFunc {
	text := strings.Repeat("x", size)
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if announced {
			w.Header().Set("Content-Length", strconv.Itoa(size))
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}
}

func TestLanesShareSockets(t *testing.T) {
	const bound = 1 << 10
	readAll := func(resp *http.Response) error {
		_, err := io.Copy(io.Discard, resp.Body)
		return err
	}
	leave := func(*http.Response) error { return nil }
	tooLong := func(resp *http.Response) error {
		n, err := io.Copy(io.Discard, resp.Body)
		if !errors.Is(err, ErrAnswerTooLong) || n > bound {
			return errors.New("not too long")
		}
		return nil
	}
	tests := []struct {
		name     string
		maxConns int // 0 is the default
		answer   http.HandlerFunc
		use      func(*http.Response) error
		drops    bool // the sockets cannot be kept
	}{
		{"answers", 0, says(200, 100, true), readAll, false},
		{"answers that nobody reads", 0, says(200, 40<<10, true), leave, false},
		{"errors with bodies", 0, says(503, 900, false), readAll, false},
		{"errors with bodies that nobody reads", 0, says(503, 40<<10, false), leave, false},
		{"too long", 0, says(200, 40<<10, true), tooLong, false},
		{"too long, of unknown length", 0, says(500, 40<<10, false), tooLong, false},
		{"far too long", 0, says(200, 300<<10, true), tooLong, true},
		{"far too long, of unknown length", 0, says(502, 300<<10, false), tooLong, true},
		{"fewer sockets than lanes", 8, says(200, 100, true), readAll, false},
		{"fewer sockets than lanes, far too long", 8, says(200, 300<<10, false), tooLong, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			const many, calls = 64, 4
			sockets := tt.maxConns
			if sockets == 0 {
				sockets = many
			}
			m := newMeter()
			srv := serve(t, gather(sockets, tt.answer), nil)
			c := client(t, Config{MaxAnswer: bound, MaxConns: tt.maxConns, Timeout: time.Minute, drainTime: time.Minute}, m.connect)
			lanes(t, many, calls, func() error {
				resp, err := c.Post(srv.URL, "text/plain", strings.NewReader("hello"))
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				return tt.use(resp)
			})
			total, open, peak := m.counts()
			if peak != sockets || open > sockets {
				t.Errorf("%d sockets at a time, want %d; %d at the end", peak, sockets, open)
			}
			// net/http drops a socket whose writer, on a busy machine, has not come to say within 50 ms that it is done.
			if kept := total <= sockets+sockets/4; kept == tt.drops {
				t.Errorf("%d sockets for %d calls in %d lanes", total, many*calls, many)
			}
		})
	}
}
