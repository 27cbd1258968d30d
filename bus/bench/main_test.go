package main

import (
	"strings"
	"testing"
)

func TestTableShowsWhatWasReported(t *testing.T) {
	results := make(map[string]figures)
	parse([]byte(`goos: linux
BenchmarkConsume-2    	       3	    100000 limit/s	     75000 ours/s	         0.7500 ratio
BenchmarkRoundTrip-2  	       3	         0.4190 p50-ms	         3.001 p99-ms
PASS
`), results)
	got := table(results)
	for _, want := range []string{
		"| consume 1,000 threads in order, committed | 75000 | nats.go pull + ack, no order | 100000 | 0.75 | ≥ 0.7 |",
		"| publish, batches of 256 | – |", "p50 0.42 ms, p99 3.00 ms",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the table lacks %q:\n%s", want, got)
		}
	}
}
