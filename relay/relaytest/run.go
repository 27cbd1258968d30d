package relaytest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is how long a check waits for what has to happen at once.
const patience = 10 * time.Second

// Run checks a platform, each promise in a subtest of its own.
func Run(t *testing.T, p Platform) {
	t.Helper()
	for _, c := range checks() {
		t.Run(c.name, func(t *testing.T) { c.do(t, p, patience) })
	}
}

// check is one thing that is demanded.
type check struct {
	name string
	// needs are the interfaces that it is about. Without one of them there is nothing to check.
	needs []Interface
	run   func(s *suite)
}

// checks are all of them.
func checks() []check {
	return slices.Concat(
		promiseChecks(), receiveChecks(), verdictChecks(), secretChecks(), cancelChecks(), pollChecks(), resumeChecks(), sendChecks(),
		sayChecks(), findChecks(), completeChecks(), readChecks(), lookupChecks(),
	)
}

func (c check) do(t testing.TB, p Platform, patience time.Duration) {
	t.Helper()
	for _, i := range c.needs {
		if !slices.Contains(p.Promises, i) {
			t.Logf("not covered: %s is no %s", p.Name, i)
			return
		}
	}
	// Far above what a check takes, and below the time after which go test gives up all of them.
	ctx, cancel := context.WithTimeout(t.Context(), 30*patience)
	defer cancel()
	c.run(&suite{t: discreet{t, p.Secrets}, ctx: ctx, p: p, patience: patience})
}

// discreet is a test whose reports hold no secrets.
type discreet struct {
	testing.TB
	secrets []Secret
}

func (d discreet) clean(report string) string {
	for _, secret := range d.secrets {
		report = strings.ReplaceAll(report, secret.Value, "["+secret.Name+"]")
	}
	return report
}

// Error reports a failure.
func (d discreet) Error(args ...any) {
	d.Helper()
	d.TB.Error(d.clean(fmt.Sprint(args...)))
}

// Errorf reports a failure.
func (d discreet) Errorf(format string, args ...any) {
	d.Helper()
	d.TB.Error(d.clean(fmt.Sprintf(format, args...)))
}

// Fatal reports a failure and ends the check.
func (d discreet) Fatal(args ...any) {
	d.Helper()
	d.TB.Fatal(d.clean(fmt.Sprint(args...)))
}

// Fatalf reports a failure and ends the check.
func (d discreet) Fatalf(format string, args ...any) {
	d.Helper()
	d.TB.Fatal(d.clean(fmt.Sprintf(format, args...)))
}

// suite is one check at work.
type suite struct {
	t        testing.TB
	ctx      context.Context
	p        Platform
	patience time.Duration
}

func (s *suite) promises(i Interface) bool { return slices.Contains(s.p.Promises, i) }

func (s *suite) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}
