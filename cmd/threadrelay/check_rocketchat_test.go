package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// Each thing that can be wrong at Rocket.Chat has a sentence of its own, which says what to do.
func TestCheckAgainstRocketChat(t *testing.T) {
	const wrong = "wrong0token0wrong0token0wrong0token"
	tests := []struct {
		name  string
		more  []string
		spoil func(*rocketTestStage) error
		code  int
		want  []string // of the table
	}{
		{"all is well", []string{"ROCKETCHAT_ROOMS=#engineering,@ana"}, nil, exitDone, []string{
			"auth token         ok     accepted, as the user @helper", "room #engineering  ok     -", "room @ana          ok     -", "threads            ok     enabled",
		}},
		{"wrong URL", []string{"ROCKETCHAT_URL=http://" + unusedAddress(t)}, nil, exitFailed, []string{"url            fault  The host 127.0.0.1:", "cannot be reached"}},
		{"wrong path", []string{"ROCKETCHAT_URL={url}/elsewhere"}, nil, exitFailed, []string{"url            fault  ", "check the URL"}},
		{"wrong token", []string{"ROCKETCHAT_AUTH_TOKEN=" + wrong}, nil, exitFailed, []string{"auth token     fault  The server does not know this auth token of the user"}},
		{"wrong user", []string{"ROCKETCHAT_USER_ID=nobody"}, nil, exitFailed, []string{`auth token     fault  The server does not know this auth token of the user "nobody"`}},
		{"no role bot", nil, func(s *rocketTestStage) error { return s.chat.SetRoles(demoBot, "user") }, exitFailed,
			[]string{"roles          fault  The account lacks the role bot:"}},
		{"no role user", nil, func(s *rocketTestStage) error { return s.chat.SetRoles(demoBot, "bot") }, exitFailed,
			[]string{"roles          fault  The account lacks the role user:"}},
		{"threads disabled", nil, func(s *rocketTestStage) error {
			s.chat.Set(func(st *rocketsim.Settings) { st.NoThreads = true })
			return nil
		}, exitFailed, []string{"threads        fault  Threads are disabled: enable them"}},
		{"rooms", []string{"ROCKETCHAT_ROOMS=#general,#nowhere,#private"}, func(s *rocketTestStage) error {
			_, err := s.chat.AddRoom(rocketsim.Room{Type: rocketsim.Group, Name: "private", Members: []string{"ana"}})
			return err
		}, exitFailed, []string{
			"room #general  fault  The account has not joined the room #general: invite it there.",
			"room #nowhere  fault  There is no room #nowhere: correct the configuration", "room #private  fault  ",
		}},
		{"clock", []string{"ROCKETCHAT_URL={late}"}, nil, exitFailed, []string{"clock          fault  This machine's clock is 10m", "ahead of the server's: set it"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, version := range []int{7, 8, 9} {
				s := newRocketTestStage(t, func(cfg *rocketsim.Config) { cfg.Version = version })
				late := slowClock(t, s)
				if tt.spoil != nil {
					if err := tt.spoil(s); err != nil {
						t.Fatal(err)
					}
				}
				environ := s.environment(t.TempDir(), append([]string{s.byHook()}, tt.more...)...)
				for i := range environ {
					environ[i] = strings.NewReplacer("{url}", s.url(), "{late}", late).Replace(environ[i])
				}
				code, stdout, stderr := invoke(t, environ, "check")
				if code != tt.code {
					t.Errorf("version %d: exit code %d, want %d; %s", version, code, tt.code, stderr)
				}
				for _, want := range tt.want {
					if !strings.Contains(stdout, want) {
						t.Errorf("version %d: no %q in\n%s", version, want, stdout)
					}
				}
				wantAligned(t, stdout)
				for _, secret := range []string{s.token, s.hook, wrong} {
					if strings.Contains(stdout+stderr, secret) {
						t.Errorf("a secret is printed:\n%s%s", stdout, stderr)
					}
				}
			}
		})
	}
}

// slowClock serves the stage by a clock that is behind, and returns its address.
func slowClock(t *testing.T, s *rocketTestStage) string {
	t.Helper()
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(-10*time.Minute).UTC().Format(http.TimeFormat))
		s.chat.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(late.Close)
	return late.URL
}
