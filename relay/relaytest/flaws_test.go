package relaytest

import (
	"slices"

	"github.com/threadrelay/threadrelay/bus/event"
)

// flawed is a flaw of the fake platform, the check that finds it, and what the check says.
type flawed struct {
	check, name, says string
	// of is the platform that has the flaw; the default is marker.
	of variant
	// spoil breaks the description instead of the connection.
	spoil func(p *Platform)
}

func allFlaws() []flawed {
	return slices.Concat(promiseFlaws(), receiveFlaws(), verdictFlaws(), pollFlaws(), sendFlaws(), findFlaws(), lookupFlaws())
}

// capable is a platform with other capabilities.
func capable(change func(c *event.Capabilities)) variant {
	v := marker()
	change(&v.can)
	return v
}

func promiseFlaws() []flawed {
	lost := marker()
	lost.hide = func(f *fake) any { return struct{ *fakeWithoutFinder }{&fakeWithoutFinder{fake: f}} }
	sane := "promises/capabilities"
	return []flawed{
		{check: "promises/kept", name: "loses an interface", says: "promises to be a Finder and is none", of: lost},
		{check: "promises/kept", name: "has more than it promises", says: "is a Finder, which its platform does not promise", spoil: func(p *Platform) {
			p.Promises = slices.DeleteFunc(slices.Clone(p.Promises), func(i Interface) bool { return i == Finder })
		}},
		{check: "promises/kept", name: "promises what is not known", says: `no interface "Dancer"`, spoil: func(p *Platform) { p.Promises = append(slices.Clone(p.Promises), "Dancer") }},
		{check: sane, name: "has no limit", says: "text limit is 0", of: capable(func(c *event.Capabilities) { c.TextLimit = 0 })},
		{check: sane, name: "counts in words", says: `unit is "word"`, of: capable(func(c *event.Capabilities) { c.TextUnit = "word" })},
		{check: sane, name: "has an unknown identity", says: `identity is "masks"`, of: capable(func(c *event.Capabilities) { c.Identity = "masks" })},
		{check: sane, name: "has an unknown idempotence", says: `idempotence is ""`, of: capable(func(c *event.Capabilities) { c.Idempotence = "" })},
		{check: sane, name: "takes less than nothing", says: "attachment limit is -1", of: capable(func(c *event.Capabilities) { c.AttachmentLimit = -1 })},
		{check: sane, name: "has a budget of nothing", says: "budget {Scope:route", of: capable(func(c *event.Capabilities) { c.Budgets = []event.Budget{{Scope: "route"}} })},
		{check: sane, name: "has a marker and no finder", says: "no Finder looks for it", spoil: func(p *Platform) { p.Promises = []Interface{Capable} }},
		{check: "secrets/printed", name: "prints its key", says: `printed with %x shows the secret "key"`},
		{check: "secrets/printed", name: "prints its key in a struct", says: `the printed connection shows the secret "key"`},
		{check: "secrets/printed", name: "logs its key", says: `the logged connection shows the secret "key"`},
		{check: "secrets/redirect", name: "follows redirects", says: `led elsewhere shows the secret "key"`},
		{check: "secrets/spoken", name: "repeats what people say", says: `shows the secret "key"`},
		{check: "verdict/every status", name: "repeats what the platform says", says: `Send shows the secret "key"`},
	}
}

// fakeWithoutFinder hides a method.
type fakeWithoutFinder struct{ *fake }

// Find is no method of a Finder.
func (*fakeWithoutFinder) Find() {}

func receiveFlaws() []flawed {
	bare := func(p *Platform) { p.Golden.Payloads = nil }
	return []flawed{
		{check: "receive/golden", name: "has other golden files", says: "created.json: <nil>\ngot"},
		{check: "receive/golden", name: "has no golden files", says: "no golden payloads", spoil: bare},
		{check: "receive/golden", name: "calls itself another", says: `its platform is "other"`},
		{check: "receive/golden", name: "forgets itself", says: `its self is ""`},
		{check: "receive/golden", name: "forgets the version", says: "its version is 0"},
		{check: "receive/golden", name: "breaks its golden call", says: "0 events", spoil: func(p *Platform) {
			p.Golden.Payloads = map[string][]byte{"x": []byte("{}")}
		}},
		{check: "receive/credentials", name: "takes half of the credentials", says: "half: got 1 events"},
		{check: "receive/credentials", name: "tells that credentials are missing", says: "tell which part"},
		{check: "receive/credentials", name: "takes unknown bodies of anybody", says: "unknown shape"},
		{check: "receive/credentials", name: "has no forged calls", says: "no forged calls", spoil: func(p *Platform) {
			p.Hook.Forged = func([]byte) map[string]Call { return nil }
		}},
		{check: "receive/closed", name: "opens a closed hook", says: "rightly signed: got 1 events"},
		{check: "receive/not JSON", name: "keeps what is not JSON", says: "want relay: not JSON"},
		{check: "receive/unknown shape", name: "ignores unknown bodies", says: "want a ShapeError"},
		{check: "receive/unknown shape", name: "keeps the key in a payload", says: `ShapeError's payload shows the secret "key"`},
		{check: "receive/unknown shape", name: "breaks what it redacts", says: "payload to be kept is"},
		{check: "receive/unknown shape", name: "has no unknown bodies", says: "no unknown bodies", spoil: func(p *Platform) { p.Hook.Unknown = []string{"{}"} }},
		{check: "receive/pure", name: "decodes by the clock", says: "the same call makes other events"},
		{check: "receive/pure", name: "asks while it receives", says: "requests"},
		{check: "receive/pure", name: "changes the call", says: "has changed the call"},
		{check: "receive/decode", name: "decodes by the clock", says: "decoded 1 events, received 1"},
		{check: "receive/decode", name: "keeps what is not JSON", says: "decoding what is not JSON"},
		{check: "receive/redact", name: "breaks what it redacts", says: "redacted it is no JSON"},
		{check: "receive/redact", name: "redacts nothing", says: `Redact shows the secret "key"`},
		{check: "receive/redact", name: "redacts more each time", says: "redacted twice it is another"},
		{check: "receive/redact", name: "redacts more each time", says: "and redacted to 0"},
		{check: "receive/said", name: "tells the wrong thread by hook", says: "it is in thread fk/user/ann#1"},
		{check: "receive/said", name: "tells the wrong conversation by hook", says: "it is in thread fk/group/all"},
		{check: "receive/said", name: "forgets the parent", says: "its parent is "},
		{check: "receive/said", name: "forgets the recipient", says: "its recipient is "},
		{check: "receive/said", name: "marks the words of others", says: "it has a marker"},
		{check: "receive/said", name: "tells the time of day", says: "its time is 1970"},
		{check: "receive/said", name: "shortens texts by hook", says: "its text is a"},
		{check: "receive/said", name: "has silent hooks", says: "tell of no messages", spoil: func(p *Platform) { p.Tells.Hooks = nil }},
		{check: "receive/same as polled", name: "gives hook events ids of their own", says: "-hook in fk/"},
		{check: "receive/same as polled", name: "gives poll events ids of their own", says: "-poll in fk/"},
		{check: "receive/same as polled", name: "tells the wrong conversation by poll", says: "in fk/group/all"},
		{check: "receive/same as polled", name: "shortens texts by poll", says: `the poll's "r"`},
		{check: "receive/same as polled", name: "gives all edits one id", says: "polls tell of 1 different chat.message.edited"},
		{check: "receive/same as polled", name: "sees no edits", says: "polls tell of 0 different chat.message.edited"},
		{check: "receive/same as polled", name: "refuses its own deletions", says: "refuses 1 calls"},
		{check: "receive/same as polled", name: "tells what was deleted", says: "it is a deletion, and tells the text"},
		{check: "receive/same as polled", name: "has nothing in common", says: "nothing is common", spoil: func(p *Platform) { p.Tells.Hooks = nil }},
	}
}

func verdictFlaws() []flawed {
	every, silence, during := "verdict/every status", "verdict/no answer", "cancel/during a call"
	return []flawed{
		{check: every, name: "forgets a status", says: "answered 418"},
		{check: every, name: "takes an unknown outcome for a refusal", says: `answered 200 with empty body "" is rejected, want temporary`},
		{check: every, name: "takes an empty answer for a good one", says: "with empty body \"\" returns no error"},
		{check: every, name: "finds nothing when nobody answers", says: "find answered 404"},
		{check: every, name: "takes no answer for no", says: "member answered"},
		{check: every, name: "does not name what failed", says: "the error does not name"},
		{check: every, name: "does not name the platform", says: `the error does not name "fake"`},
		{check: every, name: "does not name the status", says: `the error does not name "404"`},
		{check: every, name: "returns a plain error", says: "returns no Failure"},
		{check: every, name: "waits by itself", says: "asks to wait 1s, which the platform did not"},
		{check: "verdict/every code", name: "forgets a code", says: `"busy" is temporary, want rate_limited`},
		{check: "verdict/wait", name: "does not know how long to wait", says: `with Retry-After "7" asks to wait 0s`},
		{check: "verdict/wait", name: "waits for ever", says: `with Retry-After "1e300"`},
		{check: "verdict/wait", name: "returns a plain error", says: "429 returns no Failure"},
		{check: silence, name: "takes a cut for a refusal", says: "is rejected, want temporary"},
		{check: silence, name: "returns a plain error", says: "find returns no Failure"},
		{check: silence, name: "finds nothing when nobody answers", says: "find returns no error"},
		{check: silence, name: "does not name what failed", says: "does not name"},
		{check: silence, name: "dawdles over white space", says: "the answer is white space for ever: post takes"},
		{check: silence, name: "reads without end", says: "is read to its end"},
		{check: during, name: "goes on when it is given up", says: "user, which waits for the answer, goes on"},
		{check: during, name: "hides why it ended", says: "in which context.Canceled is found"},
		{check: during, name: "waits for another protocol", says: "to which the server switches protocols, goes on"},
		{check: "cancel/before a call", name: "asks although it was given up", says: "requests"},
		{check: "cancel/before a call", name: "hides why it ended", says: "in which context.Canceled is found"},
		{check: "cancel/deadline", name: "hides why it ended", says: "in which context.DeadlineExceeded is found"},
		{check: "cancel/deadline", name: "goes on when it is given up", says: "after its deadline"},
		{check: "cancel/probe", name: "probes on", says: "the probe goes on"},
		{check: "cancel/probe", name: "finds no faults", says: "finds no fault"},
		{check: "cancel/probe", name: "probes nothing", says: "ends before anybody has answered"},
		{check: "cancel/leaks", name: "leaves something behind", says: "leave something behind"},
	}
}

func pollFlaws() []flawed {
	pages, restart, faults := "poll/pages", "resume/restart", "resume/errors"
	return []flawed{
		{check: "poll/sources", name: "takes any source", says: "passes for one"},
		{check: "poll/sources", name: "polls what is no source", says: "cost 5 requests"},
		{check: "poll/sources", name: "does not know its own", says: `source "moon"`, spoil: func(p *Platform) {
			stage := p.NewStage
			p.NewStage = sourced(stage)
		}},
		{check: "poll/said", name: "tells the wrong thread by poll", says: "it is in thread fk/user/ann#1"},
		{check: "poll/said", name: "sees roots only", says: `does not tell "a reply"`},
		{check: "poll/from now on", name: "begins at the beginning", says: "and the first page has"},
		{check: "poll/from now on", name: "reads all again", says: "when nothing has happened: told ["},
		{check: "poll/since", name: "begins too late", says: "since a time: told []"},
		{check: "poll/since", name: "begins too early", says: "since a time: told [1"},
		{check: pages, name: "trusts the order", says: "newest first true"},
		{check: pages, name: "stops after a page", says: "by 1"},
		{check: pages, name: "loses the last of a page", says: "told ["},
		{check: pages, name: "turns pages round", says: "told ["},
		{check: pages, name: "moves the cursor too far", says: "told ["},
		{check: pages, name: "goes round in circles", says: "there is still more"},
		{check: pages, name: "repeats under other ids", says: "is told as"},
		{check: "poll/together", name: "mixes up sources that are polled together", says: "polled beside others: told"},
		{check: "poll/cost", name: "does not count its calls", says: "says that it cost 1 requests, and there were 2"},
		{check: "poll/cost", name: "polls by writing", says: "requests that change something", spoil: func(p *Platform) { p.Changes = changesAll }},
		{check: "poll/thread", name: "sees roots only", says: "told []"},
		{check: "poll/thread", name: "knows no threads", says: "no source that reads the thread"},
		{check: "poll/thread", name: "takes a conversation for a thread", says: "a conversation is taken for a thread"},
		{check: restart, name: "remembers in itself", says: "is lost"},
		{check: restart, name: "gives ids by the page", says: "which was never told before"},
		{check: restart, name: "turns its first page round", says: "is told before what happened before it"},
		{check: faults, name: "takes an error for the end", says: "told ["},
		{check: faults, name: "skips what it cannot read", says: "told ["},
		{check: faults, name: "returns a plain error for polls", says: "want a Failure of the kind temporary"},
		{check: "resume/repeated page", name: "goes round in circles", says: "there is still more"},
		{check: "resume/repeated page", name: "moves the cursor too far", says: "whose first page was repeated: told"},
		{check: "resume/foreign cursor", name: "takes any cursor", says: "want a Failure of the kind rejected"},
	}
}
