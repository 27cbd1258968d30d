package egress

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

func TestStalledBodyIsNotWaitedFor(t *testing.T) {
	var gone time.Duration
	stalled := func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		_, _ = io.WriteString(w, "x")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		gone = time.Since(start)
	}
	bubble(t, stalled, nil, func(t *testing.T, w wire) {
		c := client(t, Config{}, w.connect)
		resp, err := c.Get("http://127.0.0.1/")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_ = resp.Body.Close()
		if took := time.Since(start); took != drainLimit {
			t.Errorf("Close took %s, want %s", took, drainLimit)
		}
		synctest.Wait()
		if gone != drainLimit {
			t.Errorf("the server sees the client gone after %s, want %s", gone, drainLimit)
		}
	})
}

// TestLongBodyIsNotWaitedFor has more announced than is read on.
func TestLongBodyIsNotWaitedFor(t *testing.T) {
	announced := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(drainBytes+1))
		forever(w, r)
	}
	bubble(t, announced, nil, func(t *testing.T, w wire) {
		resp, err := client(t, Config{}, w.connect).Get("http://127.0.0.1/")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_ = resp.Body.Close()
		if took := time.Since(start); took != 0 {
			t.Errorf("Close took %s", took)
		}
	})
}

// TestBodyThatIsNotClosed has a caller forget to close what he has read, and what he has not.
func TestBodyThatIsNotClosed(t *testing.T) {
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		reads  bool
		wait   time.Duration
	}{
		"read": {says(200, 1, true), true, 0}, "left": {forever, false, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, tt.answer, nil, func(t *testing.T, w wire) {
				c := client(t, Config{MaxConns: 1}, w.connect)
				for range 3 {
					start := time.Now()
					resp, err := c.Get("http://127.0.0.1/") //nolint:bodyclose // which the test is about
					if err != nil {
						t.Fatal(err)
					}
					if tt.reads {
						_, _ = io.Copy(io.Discard, resp.Body)
					}
					<-time.After(tt.wait)
					synctest.Wait()
					if took := time.Since(start); took != tt.wait {
						t.Errorf("the call waited for %s", took-tt.wait)
					}
				}
				if left := len(c.Transport.(*transport).calls.hosts); left != 0 {
					t.Errorf("calls to %d hosts are running", left)
				}
				<-time.After(defaultTimeout) // net/http waits for it
			})
		})
	}
}

// TestCallerGivesUp has the body that nobody wants any more closed at once.
func TestCallerGivesUp(t *testing.T) {
	bubble(t, forever, nil, func(t *testing.T, w wire) {
		c := client(t, Config{}, w.connect)
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1/", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(5*time.Second, cancel)
		start := time.Now()
		_, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if took := time.Since(start); took != 5*time.Second || !errors.Is(err, context.Canceled) {
			t.Errorf("%v after %s", err, took)
		}
	})
}

func TestSlowBodyWithinItsTime(t *testing.T) {
	slow := func(w http.ResponseWriter, _ *http.Request) {
		for range 9 {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			<-time.After(time.Second)
		}
	}
	bubble(t, slow, nil, func(t *testing.T, w wire) {
		c := client(t, Config{}, w.connect)
		for range 3 {
			if got, err := fetch(c, "http://127.0.0.1/"); err != nil || len(got.text) != 9 {
				t.Errorf("%q, %v", got.text, err)
			}
		}
	})
}
