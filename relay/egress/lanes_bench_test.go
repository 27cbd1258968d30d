package egress

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
)

// BenchmarkLanes measures the sockets that 64 lanes open for 1,000 calls each, with a new client each time.
func BenchmarkLanes(b *testing.B) {
	const many, calls = 64, 1000
	for name, change := range map[string]func(*httptest.Server){"HTTP1": nil, "HTTP1TLS": withTLS, "HTTP2": withHTTP2} {
		b.Run(name, func(b *testing.B) {
			srv := serve(b, says(200, 300, true), change)
			var cfg Config
			if change != nil {
				cfg.CAFile = authorityOf(b, srv)
			}
			var opened, peak int
			for b.Loop() {
				m := newMeter()
				c := client(b, cfg, m.connect)
				lanes(b, many, calls, func() error {
					resp, err := c.Post(srv.URL, "application/json", strings.NewReader(`{"text":"hello"}`))
					if err != nil {
						return err
					}
					defer resp.Body.Close()
					_, err = io.Copy(io.Discard, resp.Body)
					return err
				})
				total, _, most := m.counts()
				opened, peak = opened+total, max(peak, most)
				c.CloseIdleConnections()
			}
			b.ReportMetric(float64(opened)/float64(b.N), "sockets")
			b.ReportMetric(float64(peak), "sockets-at-a-time")
			b.ReportMetric(float64(b.N*many*calls)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
