package rocketsim_test

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// browser starts a headless browser, or skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("THREADRELAY_REQUIRE_ALL") != "" {
			t.Fatal("chromium is not installed, and THREADRELAY_REQUIRE_ALL is set")
		}
		t.Skip("SKIPPED: chromium is not installed, so nobody has clicked on the simulated Rocket.Chat's page")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1280, 900), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// office is a workspace as the demonstration could have it, for people to look at.
func office(t *testing.T) (*rocketsim.Server, string) {
	t.Helper()
	s, err := rocketsim.New(rocketsim.Config{})
	must(t, err)
	web := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		s.Close()
		web.CloseClientConnections()
		web.Close()
	})
	for _, u := range []rocketsim.User{{Username: "ana", Name: "Ana Silva"}, {Username: "ben", Name: "Ben Okoro"}, {Username: "relay.bot", Name: "Relay Bot", Roles: []string{"user", "bot"}}} {
		_, err := s.AddUser(u)
		must(t, err, s.Join(u.Username, "GENERAL"))
	}
	_, err = s.AddRoom(rocketsim.Room{Name: "alerts", Members: []string{"ana", "relay.bot"}})
	must(t, err)
	_, err = s.AddRoom(rocketsim.Room{Name: "planning", Type: rocketsim.Group, Members: []string{"ana", "ben"}})
	must(t, err)
	return s, web.URL
}

// TestAPersonChatsOnThePage does with the mouse and the keyboard what people do.
func TestAPersonChatsOnThePage(t *testing.T) {
	ctx := browser(t)
	s, at := office(t)
	root, err := s.Say(rocketsim.Say{From: "ben", Room: "#general", Text: "Who can look at the build?"})
	must(t, err)
	_, err = s.Say(rocketsim.Say{From: "relay.bot", Room: "#alerts", Text: "disk 91 % full on db-2", Extra: map[string]any{"alias": "Alertmanager", "bot": map[string]any{"i": "relay"}}})
	must(t, err)
	message := func(list, text string) string {
		return `//div[@id="` + list + `"]/article[.//p[@class="text" and normalize-space()="` + text + `"]]`
	}
	bot := make(chan error, 1)
	go func() { // the bot answers the first reply
		bot <- s.Await(ctx, func(s *rocketsim.Server) bool { return len(s.Thread(root)) == 1 })
		_, err := s.Say(rocketsim.Say{From: "relay.bot", Thread: root, Text: "You said: I can"}) //nolint:contextcheck // it calls nobody
		bot <- err
	}()
	err = chromedp.Do(ctx,
		chromedp.Navigate(at+"/?as=ana&room=general"),
		chromedp.WaitVisible(message("log", "Who can look at the build?")),
		chromedp.SendKeys("#text", "typed by hand"),
		chromedp.Click("#compose button"),
		chromedp.WaitVisible(message("log", "typed by hand")),
		chromedp.Click(message("log", "typed by hand")+`//summary`),
		chromedp.SetValue(message("log", "typed by hand")+`//details//textarea`, "typed by hand, and changed"),
		chromedp.Click(message("log", "typed by hand")+`//details//button`),
		chromedp.WaitVisible(message("log", "typed by hand, and changed")),
		chromedp.SendKeys("#text", "to be taken back"),
		chromedp.Click("#compose button"),
		chromedp.WaitVisible(message("log", "to be taken back")),
		chromedp.Click(message("log", "to be taken back")+`//form[@action="/page/delete"]/button`),
		chromedp.WaitNotPresent(message("log", "to be taken back")),
		chromedp.Click(message("log", "Who can look at the build?")+`//button[@value="eyes"]`),
		chromedp.WaitVisible(message("log", "Who can look at the build?")+`//ul[@class="reactions"]/li[@class="own"]`),
		chromedp.Click(message("log", "Who can look at the build?")+`//a[normalize-space()="Reply in thread"]`),
		chromedp.WaitVisible("#reply"),
		chromedp.SendKeys("#reply", "I can"),
		chromedp.Click("#answer button"),
		chromedp.WaitVisible(message("replies", "You said: I can")),
		chromedp.WaitVisible(message("log", "Who can look at the build?")+`//a[@class="count" and normalize-space()="2 replies"]`),
		chromedp.Click("#break-title"),
		chromedp.SetValue("#fault", "event-lost"),
		chromedp.Click(`//form[@action="/page/break"]//button`),
		chromedp.WaitVisible(`//div[@id="faults"]//span[normalize-space()="Event lost"]`),
	)
	if err != nil {
		t.Fatal(err)
	}
	must(t, <-bot, <-bot)
	screenshot(t, ctx, "rocketchat")
	err = chromedp.Do(ctx,
		chromedp.Click(`//form[@action="/page/mend"]/button`),
		chromedp.WaitNotPresent(`//div[@id="faults"]//span[normalize-space()="Event lost"]`),
		chromedp.Click(`//nav//b[normalize-space()="Ben Okoro"]`),
		chromedp.WaitVisible("#text"),
		chromedp.SendKeys("#text", "just us two"),
		chromedp.Click("#compose button"),
		chromedp.WaitVisible(message("log", "just us two")),
	)
	if err != nil {
		t.Fatal(err)
	}
	m, _ := s.Message(s.Messages("GENERAL")[len(s.Messages("GENERAL"))-1].ID)
	if thread := s.Thread(root); len(thread) != 2 || thread[0].Text != "I can" || thread[0].From != "ana" || m.Text == "to be taken back" {
		t.Errorf("thread %+v", thread)
	}
}

// screenshot keeps a picture where one is asked for.
func screenshot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("THREADRELAY_SCREENSHOTS")
	if dir == "" {
		return
	}
	shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	must(t, err)
	must(t, os.WriteFile(dir+"/"+name+".png", shot, 0o600))
}
