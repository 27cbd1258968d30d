package relaytest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
)

func variants() map[string]variant {
	return map[string]variant{"marker": marker(), "native": native(), "plain": plain()}
}

// Platforms without a flaw pass.
func TestGoodPlatformsPass(t *testing.T) {
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) { Run(t, v.platform("")) })
	}
}

// A platform that breaks one promise fails the check of that promise, and the check says why.
func TestEachFlawIsFound(t *testing.T) {
	for _, f := range allFlaws() {
		t.Run(f.check+"/"+f.name, func(t *testing.T) {
			i := slices.IndexFunc(checks(), func(c check) bool { return c.name == f.check })
			if i < 0 {
				t.Fatal("there is no such check")
			}
			v := f.of
			if v.hide == nil {
				v = marker()
			}
			p := v.platform(f.name)
			if f.spoil != nil {
				f.spoil(&p)
			}
			got := try(t, checks()[i], p, 300*time.Millisecond, f.says)
			if !got.failed() || !strings.Contains(got.report(), f.says) {
				t.Errorf("failed %t, want a report with %q\n%s", got.failed(), f.says, clip(got.report()))
			}
			for _, secret := range p.Secrets {
				if strings.Contains(got.report(), secret.Value) {
					t.Errorf("the report itself has the secret %s", secret.Name)
				}
			}
		})
	}
}

// There is no check that cannot fail.
func TestEachCheckCanFail(t *testing.T) {
	all := allFlaws()
	for _, c := range checks() {
		if !slices.ContainsFunc(all, func(f flawed) bool { return f.check == c.name }) {
			t.Errorf("no flaw makes %q fail", c.name)
		}
	}
}

// What is not promised is told as not covered.
func TestWhatIsNotPromisedIsTold(t *testing.T) {
	p := plain().platform("")
	for _, c := range checks() {
		lacks := slices.ContainsFunc(c.needs, func(i Interface) bool { return !slices.Contains(p.Promises, i) })
		got := try(t, c, p, 10*time.Second, "")
		told := len(got.logs) > 0 && strings.HasPrefix(got.logs[0], "not covered: ")
		if lacks != told && c.name != "send/twice" || got.failed() {
			t.Errorf("%s: lacks something %t, told %v, failed %t: %s", c.name, lacks, got.logs, got.failed(), got.report())
		}
	}
}

// A golden file can be written anew.
func TestGoldenIsWritten(t *testing.T) {
	p := marker().platform("")
	want, err := p.Golden.Want("created.json")
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]string{}
	p.Golden.Write = func(name string, events []byte) error {
		written[name] = string(events)
		return nil
	}
	if got := try(t, checks()[slices.IndexFunc(checks(), func(c check) bool { return c.name == "receive/golden" })], p, time.Second, ""); got.failed() {
		t.Error(got.report())
	}
	if len(written) != 1 || written["created.json"] != string(want) {
		t.Errorf("written %v", written)
	}
}

func TestLength(t *testing.T) {
	for unit, want := range map[string]int{"byte": 6, "rune": 3, "utf16": 4, "": 0, "word": 0} {
		if got := length(unit, "a🎉b"); got != want {
			t.Errorf("%q: %d, want %d", unit, got, want)
		}
	}
}

func TestImplements(t *testing.T) {
	v := plain()
	conn := v.hide(&fake{})
	for _, i := range interfaces() {
		if got, want := implements(conn, i), slices.Contains(v.promises, i); got != want {
			t.Errorf("%s: %t", i, got)
		}
		if !implements(&fake{}, i) {
			t.Errorf("the fake platform is no %s", i)
		}
	}
	if able(event.Capabilities{}, event.React) || !able(event.Capabilities{}, event.Post) {
		t.Error("able is not")
	}
}
