package egress

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
)

func TestBound(t *testing.T) {
	for _, tt := range []struct {
		have, most int
		fails      bool
	}{{0, 0, false}, {1, 0, true}, {9, 10, false}, {10, 10, false}, {11, 10, true}, {5000, 10, true}} {
		for name, shape := range map[string]func(io.Reader) io.Reader{
			"as it is": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "with the end": iotest.DataErrReader,
		} {
			r := Bound(shape(strings.NewReader(strings.Repeat("x", tt.have))), int64(tt.most))
			got, err := io.ReadAll(r)
			if len(got) != min(tt.have, tt.most) {
				t.Errorf("%d of %d %s: %d bytes", tt.have, tt.most, name, len(got))
			}
			_, again := r.Read(make([]byte, 1))
			if !tt.fails {
				if err != nil || !errors.Is(again, io.EOF) {
					t.Errorf("%d of %d %s: %v, and again %v", tt.have, tt.most, name, err, again)
				}
				continue
			}
			for _, err := range []error{err, again} {
				if !errors.Is(err, ErrAnswerTooLong) || !strings.HasSuffix(err.Error(), fmt.Sprintf("longer than %d bytes", tt.most)) {
					t.Errorf("%d of %d %s: %v", tt.have, tt.most, name, err)
				}
			}
		}
	}
}

// TestDecompressionBomb has answers count with what becomes of them.
func TestDecompressionBomb(t *testing.T) {
	const most = 256 << 10
	for _, change := range []struct {
		name  string
		size  int
		fails bool
	}{{"harmless", most, false}, {"bomb", 16 * most, true}} {
		t.Run(change.name, func(t *testing.T) {
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			_, _ = z.Write(make([]byte, change.size))
			_ = z.Close()
			srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept-Encoding") != "gzip" {
					t.Error("compression is not asked for")
				}
				w.Header().Set("Content-Encoding", "gzip")
				_, _ = w.Write(packed.Bytes())
			}, nil)
			got, err := fetch(client(t, Config{MaxAnswer: most}, nil), srv.URL)
			if change.fails != errors.Is(err, ErrAnswerTooLong) || len(got.text) != most || packed.Len() > most/8 {
				t.Errorf("%d of %d bytes: %v", len(got.text), packed.Len(), err)
			}
		})
	}
}

func TestAnswerOfHead(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "1000000") }, nil)
	resp, err := client(t, Config{MaxAnswer: 10}, nil).Head(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || len(text) != 0 {
		t.Errorf("%q, %v", text, err)
	}
}

func TestHeaderIsBounded(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Long", strings.Repeat("x", maxHeader)) }, nil)
	if _, err := fetch(client(t, Config{}, nil), srv.URL); err == nil || !strings.Contains(err.Error(), "65536 bytes") {
		t.Error(err)
	}
}

// closing notes that a body is closed.
type closing struct {
	io.Reader
	closed atomic.Bool
}

func (c *closing) Close() error {
	c.closed.Store(true)
	return nil
}

func TestRequestIsBounded(t *testing.T) {
	const most = 1 << 10
	tests := []struct {
		name      string
		size      int
		announced bool
		want      string // of the error
	}{
		{"just fits", most, true, ""},
		{"just fits, of unknown length", most, false, ""},
		{"too long", most + 1, true, "the request is too long: 1025 bytes, and at most 1024 are sent"},
		{"too long, of unknown length", most + 1, false, "the request is too long: longer than 1024 bytes"},
		{"far too long, of unknown length", 1 << 20, false, "the request is too long: longer than 1024 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var calls, whole atomic.Int32
			srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				if n, err := io.Copy(io.Discard, r.Body); err == nil && n == int64(tt.size) {
					whole.Add(1)
				}
			}, nil)
			body := &closing{Reader: strings.NewReader(strings.Repeat("x", tt.size))}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL, body)
			if err != nil {
				t.Fatal(err)
			}
			if tt.announced {
				req.ContentLength = int64(tt.size)
			}
			resp, err := client(t, Config{MaxRequest: most}, nil).Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			srv.Close() // ends when the calls have
			if failed := tt.want != ""; failed != errors.Is(err, ErrRequestTooLong) || failed && !strings.Contains(err.Error(), tt.want) {
				t.Error(err)
			}
			if (whole.Load() == 1) != (tt.want == "") || tt.announced && tt.want != "" && calls.Load() != 0 || !body.closed.Load() {
				t.Errorf("%d calls, %d of them whole; the body is closed: %t", calls.Load(), whole.Load(), body.closed.Load())
			}
		})
	}
}
