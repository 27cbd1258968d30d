package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/threadrelay/threadrelay/bus/bustest"
	"github.com/threadrelay/threadrelay/relay/sim"
)

// startDemo runs the demo inside the test until the returned function is called, which returns its exit code. It returns
// once the script is over.
func startDemo(t *testing.T) (out *output, stop func() int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out = newOutput()
	ended := make(chan struct{})
	var code int
	go func() {
		defer close(ended)
		code = run(ctx, invocation{args: []string{"demo"}, stdout: out, stderr: out})
	}()
	stop = func() int {
		cancel()
		<-ended
		return code
	}
	t.Cleanup(func() { stop() })
	out.line(t, "Ctrl-C ends it.", ended)
	return out, stop
}

func TestDemoPrintsTheConversationAndStaysUp(t *testing.T) {
	out, stop := startDemo(t)
	for _, want := range []string{
		"ana → helper: Hello, is anybody there?", "helper in thread 1   You said: Hello, is anybody there?",
		"helper in thread 1   You said: Nice to meet you!", "ben → #engineering: Lunch at noon?", "You said: Lunch at noon?",
		"a second time", "You said: I am in.", "ana on Rocket.Chat: Is the build green?",
		"You said: Is the build green?", "You said: Looks like it.", "You said: Thanks!", "Every answer came, each in its thread and each once.",
	} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("%q stands %d times in\n%s", want, strings.Count(out.String(), want), out)
		}
	}
	for _, page := range regexp.MustCompile(`http://\S+/(\?as=ana|readyz|metrics)`).FindAllString(out.String(), -1) {
		res, err := http.Get(page) //nolint:gosec // a page of the demo
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", page, res.Status)
		}
	}
	if code := stop(); code != exitDone {
		t.Errorf("exit code %d", code)
	}
}

// An answer that does not come must be told, and must not be waited for for ever.
func TestScriptMissesAnAnswer(t *testing.T) {
	s, err := newStage("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.close() }()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	script := &script{chat: s.chat, out: newOutput()}
	err = script.play(ctx)
	if err == nil || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "a 1:1 message") {
		t.Errorf("error %v", err)
	}
	if got := line(sim.Message{ID: "7", Sender: "ana", Receiver: "ops", ReceiverType: "group", Text: "x"}); got != "  7  ana → #ops: x" {
		t.Errorf("line %q", got)
	}
}

// browser starts a headless browser, or skips the test where there is none.
func browser(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("THREADRELAY_REQUIRE_ALL") != "" {
			t.Fatal("chromium is not installed, and THREADRELAY_REQUIRE_ALL is set")
		}
		t.Skip("SKIPPED: chromium is not installed, so nobody has clicked on the demo's chat page")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1100, 800), chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, cancel := context.WithTimeout(context.Background(), 2*bustest.Patience)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	return ctx
}

// A person types on the chat page and sees the bot's answer appear in the thread, without a reload, whatever that person
// breaks.
func TestAPersonChatsOnTheDemoPage(t *testing.T) {
	ctx := browser(t)
	out, _ := startDemo(t)
	page := regexp.MustCompile(`http://\S+/\?as=ana`).FindString(out.String())
	answer := func(text string) chromedp.Action[chromedp.Void] {
		return chromedp.WaitVisible(`//div[@class="replies"]//p[normalize-space()="You said: ` + text + `"]`)
	}
	err := chromedp.Do(ctx,
		chromedp.Navigate(page+"&with=user/"+demoBot),
		answer("Hello, is anybody there?"),
		chromedp.SendKeys("#text", "typed by hand"),
		chromedp.Click("#compose button"),
		answer("typed by hand"),
		chromedp.SendKeys(`//section[.//p[normalize-space()="typed by hand"]]//input[@name="text"]`, "and once more"),
		chromedp.Click(`//section[.//p[normalize-space()="typed by hand"]]//button`),
		answer("and once more"),
		chromedp.Click("#break-title"),
		chromedp.SetValue("#fault", "drop"),
		chromedp.Click(`//form[@action="break"]//button`),
		chromedp.WaitVisible(`//div[@id="faults"]//span[normalize-space()="Never delivered"]`),
		chromedp.SendKeys("#text", "no webhook tells of this"),
		chromedp.Click("#compose button"),
		answer("no webhook tells of this"), // the poll does
		chromedp.SendKeys("#text", "[500] the answer fails at first"),
		chromedp.Click("#compose button"),
		answer("[500] the answer fails at first"),
	)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if dir := os.Getenv("THREADRELAY_SCREENSHOTS"); dir != "" {
		shot, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/demo.png", shot, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
