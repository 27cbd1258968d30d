package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
)

func main() {
	rounds := flag.Int("rounds", 5, "rounds of each benchmark; the median counts")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures and prints the table. It expects to be started in its own folder.
func run(ctx context.Context, rounds int) error {
	results := make(map[string]figures)
	for _, dir := range []string{"..", "."} {
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchtime", strconv.Itoa(rounds)+"x", "-timeout", "1h", ".")
		cmd.Dir = dir
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("benchmarks in %s: %w\n%s", dir, err, out)
		}
		parse(out, results)
	}
	fmt.Print(table(results))
	return nil
}

// figures are what a benchmark reported, by unit.
type figures map[string]float64

// parse takes the results out of the output of go test.
func parse(out []byte, into map[string]figures) {
	for line := range bytes.Lines(out) {
		fields := strings.Fields(string(line))
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(fields[0], "Benchmark"), "-")
		into[name] = make(figures)
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				into[name][fields[i+1]] = v
			}
		}
	}
}
