package main

import (
	"fmt"
	"strings"
)

// row is one line of the table: what of a benchmark is shown.
type row struct {
	benchmark, title, limit, target string
}

// rows is the table.
func rows() []row {
	return []row{
		{"PublishBatches", "publish, batches of 256", "nats.go, waiting for each batch", ""},
		{"PublishStream", "the same", "nats.go, waiting once", "≥ 0.8"},
		{"PublishWaiting", "publish, 64 callers that each wait", "the same with nats.go", "≥ 0.9"},
		{"Consume", "consume 1,000 threads in order, committed", "nats.go pull + ack, no order", "≥ 0.7"},
		{"ConsumeRouter", "the same through Watermill's router", "nats.go pull + ack, no order", ""},
		{"ConsumeSlowHandler", "handler of 50 ms, 64 threads", "64 handlers without a bus", "≥ 0.94"},
		{"WatermillNATS", "consume 1,000 threads, no-op handler", "watermill-nats v2", ""},
		{"WatermillNATSFlood", "the same under a flood of messages", "watermill-nats v2", "≥ 20"},
		{"WatermillNATSSlowHandler", "handler of 50 ms, 64 threads", "watermill-nats v2", "≥ 20"},
	}
}

// table renders the results in Markdown. A benchmark without a result has a dash.
func table(results map[string]figures) string {
	var b strings.Builder
	b.WriteString("| what (1.2 kB each) | the bus, per second | beside it | per second | ratio | target |\n|---|---:|---|---:|---:|---:|\n")
	for _, r := range rows() {
		f := results[r.benchmark]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", r.title, number(f, "ours/s", "%.0f"), r.limit, number(f, "limit/s", "%.0f"), number(f, "ratio", "%.2f"), r.target)
	}
	trip, memory := results["RoundTrip"], results["Memory"]
	fmt.Fprintf(&b, "\nFrom Publish to the handler at 500 messages a second: p50 %s ms, p99 %s ms. ", number(trip, "p50-ms", "%.2f"), number(trip, "p99-ms", "%.2f"))
	fmt.Fprintf(&b, "Heap of a thread that was seen and is idle: %s B; of one with a message of 1.2 kB waiting: %s B.\n",
		number(memory, "B/idle-thread", "%.0f"), number(memory, "B/active-lane", "%.0f"))
	return b.String()
}

func number(f figures, unit, format string) string {
	v, ok := f[unit]
	if !ok {
		return "–"
	}
	return fmt.Sprintf(format, v)
}
