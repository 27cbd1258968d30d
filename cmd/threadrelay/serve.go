package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/threadrelay/threadrelay/bots"
	"github.com/threadrelay/threadrelay/bots/echo"
)

// serve runs the relay until ctx ends, and then until everything under way is finished.
func serve(ctx context.Context, inv invocation) error {
	if inv.helped() {
		writeServeHelp(inv.stdout)
		return nil
	}
	if err := parseFlags("serve", "", inv, nil); err != nil {
		return err
	}
	cfg, warnings, err := loadConfig(inv.environ)
	log := newLogger(cfg.Log, inv.stderr, inv.terminal)
	for _, w := range warnings {
		log.Warn(w) //nolint:sloglint // the sentence is the configuration's own
	}
	if err != nil {
		return &usageError{fmt.Errorf("the configuration is wrong:\n%w", err)}
	}
	return serveConfig(ctx, cfg, log, func(addresses) {})
}

// serveConfig is serve with a configuration in hand. ready is told where to reach the process, once it takes messages.
func serveConfig(ctx context.Context, cfg config, log *slog.Logger, ready func(addresses)) error {
	p, err := newProcess(ctx, cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(p.run(ctx, ready), p.close())
}

// bundled returns the bots that the configuration names.
func bundled(names []string) ([]*bots.Bot, error) {
	var out []*bots.Bot
	for _, name := range names {
		switch name {
		case echo.Name:
			out = append(out, echo.New())
		default:
			return nil, fmt.Errorf("no bundled bot is called %q", name)
		}
	}
	return out, nil
}
