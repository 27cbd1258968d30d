package main

import (
	"testing"
	"time"
)

func TestFileDelivery(t *testing.T) {
	tests := []struct {
		name, block string
		want        []string
	}{
		{"nothing", "", nil},
		{"words in capitals", "unknown: Park, root_gone: POST-FLAT, sender_limit: Learn", nil},
		{"unknown word", "unknown: retry", []string{`unknown: "retry" is not known; known: resend, park`}},
		{"root", "root_gone: ignore", []string{`root_gone: "ignore" is not known; known: dead, new-root, post-flat`}},
		{"unknown key", "retries: {}", []string{"retries: not known; did you mean retry?; known: unknown, root_gone, retry, breaker, sender_limit"}},
		{"unknown key of retry", "retry: {attempt: 3}", []string{"retry.attempt: not known; did you mean attempts?; known: attempts, age, min, max"}},
		{"unknown key of breaker", "breaker: {pause: 3s}", []string{"breaker.pause: not known; known: failures, over, min, max"}},
		{"no attempts", "retry: {attempts: 0}", []string{"retry.attempts: want 1 at least"}},
		{"half an attempt", "retry: {attempts: 0.5}", []string{`retry.attempts: "0.5" is not a whole number`}},
		{"zero age", "retry: {age: 0s}", []string{`retry.age: "0s" is too short; want 1ms at least`}},
		{"crossed", "retry: {min: 2s, max: 1s}", []string{"retry.max: 1s is less than min, which is 2s"}},
		{"below the default", "retry: {max: 100ms}", []string{"retry.max: 100ms is less than min, which is 200ms if it is not set"}},
		{"above the default", "retry: {min: 6m}", []string{"retry.min: 6m0s is more than max, which is 5m0s if it is not set"}},
		{"equal", "retry: {min: 1s, max: 1s}, breaker: {min: 30s}", nil},
		{"only the first of two", "retry: {min: 1h, max: soon}", []string{`retry.max: "soon" is not a duration`}},
		{"no failures", "breaker: {failures: 0}", []string{"breaker.failures: want 1 at least, or a negative number for a breaker that never opens"}},
		{"breaker below the default", "breaker: {max: 500ms}", []string{"breaker.max: 500ms is less than min, which is 1s if it is not set"}},
		{"limit", "sender_limit: 30", []string{`sender_limit: "30": want learn, or a rate such as 30/1m`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := loadRouting(t, whole+", deliver: {"+tt.block+"}}}")
			var want []string
			for _, w := range tt.want {
				want = append(want, "connections.a.deliver."+w)
			}
			wantFileFaults(t, dropPlaces(t, err), want...)
		})
	}
}

// A connection to an unknown platform still has its delivery checked.
func TestFileDeliveryOfAnUnknownPlatform(t *testing.T) {
	_, _, err := loadRouting(t, "connections: {a: {platform: pigeon, coop: 1, deliver: {unknown: x}}}")
	wantFileFaults(t, dropPlaces(t, err), `connections.a.platform: "pigeon" is not known; known: cometchat`, `connections.a.deliver.unknown: "x" is not known`)
}

func TestSenderLimit(t *testing.T) {
	tests := []struct {
		text string
		n    int
		per  time.Duration
	}{
		{"learn", 0, 0}, {" LEARN ", 0, 0}, {"30/1m", 30, time.Minute}, {"1/1ms", 1, time.Millisecond}, {" 5 / 10s ", 5, 10 * time.Second},
		{"100/1h30m", 100, 90 * time.Minute},
	}
	for _, tt := range tests {
		if n, per, err := senderLimit(tt.text); err != nil || n != tt.n || per != tt.per {
			t.Errorf("%q is %d/%s, %v; want %d/%s", tt.text, n, per, err, tt.n, tt.per)
		}
	}
	for _, text := range []string{"", "30", "30/", "/1m", "30/m", "0/1m", "-1/1m", "1.5/1m", "30/0s", "30/-1m", "30/1us", "30/1m/2", "off", "99999999999999999999/1m"} {
		if n, per, err := senderLimit(text); err == nil || n != 0 || per != 0 {
			t.Errorf("%q was taken as %d/%s", text, n, per)
		}
	}
}
