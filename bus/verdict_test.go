package bus

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	r := Retry{}
	r.setDefaults()
	boom := errors.New("boom")
	cases := []struct {
		name     string
		err      error
		attempts int
		age      time.Duration
		random   float64
		want     failure
	}{
		{"first failure", boom, 1, 0, 0, failure{charged: true, wait: 200 * time.Millisecond}},
		{"doubles", boom, 4, time.Second, 0, failure{charged: true, wait: 1600 * time.Millisecond}},
		{"is shortened by up to half", boom, 4, time.Second, 0.999999, failure{charged: true, wait: 800*time.Millisecond + 800*time.Nanosecond}},
		{"at most the maximum", boom, 19, time.Hour, 0, failure{charged: true, wait: 5 * time.Minute}},
		{"attempts are spent", boom, 20, time.Hour, 0, failure{dead: true, charged: true}},
		{"too old", boom, 2, 24 * time.Hour, 0, failure{dead: true, charged: true}},
		{"permanent", fmt.Errorf("send: %w", Permanent(boom)), 1, 0, 0, failure{dead: true, charged: true}},
		{"after", fmt.Errorf("send: %w", After(time.Minute, boom)), 500, time.Hour, 0, failure{wait: time.Minute}},
		{"after a negative time", After(-time.Minute, boom), 1, 0, 0, failure{}},
		{"after, but too old", After(time.Minute, boom), 3, 25 * time.Hour, 0, failure{dead: true, charged: true}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if got := r.judge(c.err, c.attempts, c.age, c.random); got != c.want {
				t.Errorf("judged %+v, want %+v", got, c.want)
			}
		})
	}
	if Permanent(nil) != nil || After(time.Second, nil) != nil {
		t.Error("nil became an error")
	}
}
