package relaytest

import "github.com/threadrelay/threadrelay/bus/event"

func sendFlaws() []flawed {
	reply, post, change, who, split := "send/reply", "send/post", "send/change", "send/as somebody", "send/split"
	return []flawed{
		{check: reply, name: "replies outside of the thread", says: "became {"},
		{check: reply, name: "speaks elsewhere", says: "became {"},
		{check: reply, name: "invents receipts", says: "the receipt of reply is"},
		{check: reply, name: "forgets the action in receipts", says: "the receipt of reply is"},
		{check: reply, name: "dates receipts", says: "the receipt of reply is of 1970"},
		{check: post, name: "posts into the thread", says: "became {"},
		{check: post, name: "trims texts", says: "became {"},
		{check: post, name: "says all twice", says: "post became 2 messages"},
		{check: change, name: "edits nothing", says: "after edit the message says ?"},
		{check: change, name: "deletes nothing", says: "the message is still there"},
		{check: change, name: "reacts to nothing", says: "there is no reaction"},
		{check: change, name: "keeps reactions", says: "the reaction is still there"},
		{check: change, name: "invents receipts", says: "edit returns"},
		{check: change, name: "tries what it cannot", says: "react, which the platform cannot, returns", of: native()},
		{check: who, name: "speaks for nobody", says: "as mirror-zoe"},
		{check: who, name: "names nobody", says: "as mirror-zoe"},
		{check: who, name: "does not bring ghosts up to date", says: "Zoë, renamed"},
		{check: who, name: "names nobody", says: "as Zoë on the bridge became", of: native()},
		{check: who, name: "hides who speaks", says: "want the name before the text", of: plain()},
		{check: "send/marker", name: "loses the marker by hook", says: "the webhook's event of reply has the marker"},
		{check: "send/marker", name: "loses the marker by poll", says: "the poll's event of reply does not have the marker"},
		{check: "send/marker", name: "sends no marker", says: "has the marker <nil>"},
		{check: "send/unfit", name: "sends what is unfit", says: "cost 2 requests"},
		{check: "send/unfit", name: "returns what is unfit as it is", says: "want a Failure of the kind rejected"},
		{check: "send/root gone", name: "replies outside of the thread", says: "became 1 messages"},
		{check: "send/longest text", name: "splits too early", says: "post became 2 messages"},
		{check: split, name: "splits too late", says: "the limit is 60"},
		{check: split, name: "splits within characters", says: "within a character"},
		{check: split, name: "adds to what it splits", says: "white space that the text does not have"},
		{check: split, name: "loses the end", says: "do not hold the text"},
		{check: split, name: "splits out of order", says: "do not hold the text"},
		{check: split, name: "forgets the parts in receipts", says: "and the receipt has []"},
		{check: split, name: "leaves the thread with the second part", says: "became {"},
		{check: "send/twice", name: "does not recognise repeats", says: "there are 2 messages", of: native()},
	}
}

func findFlaws() []flawed {
	return []flawed{
		{check: "find/sent", name: "finds nothing", says: "returns false, <nil>, want true"},
		{check: "find/sent", name: "sends no marker", says: "returns false, <nil>, want true"},
		{check: "find/sent", name: "finds another message", says: "want action"},
		{check: "find/sent", name: "finds only its own", says: "returns false, <nil>, want true"},
		{check: "find/sent", name: "tries again by itself", says: "became 2 messages, want 1"},
		{check: "find/sent", name: "takes an unknown outcome for a refusal", says: "want a Failure of the kind temporary"},
		{check: "find/not sent", name: "finds everything", says: "returns true, <nil>, want false"},
		{check: "find/not sent", name: "says all twice", says: "became 2 messages"},
		{check: "find/never sent", name: "finds everything", says: "returns true, <nil>, want false"},
		{check: "find/parts", name: "finds half of it", says: "returns true, <nil>, want false"},
		{check: "find/parts", name: "finds no parts", says: "Find of a long reply returns"},
		{check: "find/parts", name: "says all parts again", says: "sent again: "},
		{check: "find/changed", name: "finds every change", says: "returns true, <nil>, want false"},
		{check: "find/changed", name: "finds no change", says: "returns false, <nil>, want true"},
		{check: "find/changed", name: "edits nothing", says: "the message says ?"},
	}
}

func lookupFlaws() []flawed {
	place, thread, talk := "complete/place", "read/thread", "read/conversation"
	return []flawed{
		{check: place, name: "leaves it incomplete", says: "is incomplete after"},
		{check: place, name: "keeps the incomplete id", says: "has the id of the incomplete event"},
		{check: place, name: "completes to the message itself", says: "completed, is in"},
		{check: place, name: "completes by chance", says: "completed several times"},
		{check: place, name: "has nothing to complete", says: "leave nothing open", spoil: func(p *Platform) { p.Tells.Hooks = []event.Type{event.MessageCreated} }},
		{check: "complete/whole", name: "asks for what is whole", says: "cost 1 requests"},
		{check: "complete/whole", name: "spoils what is whole", says: "is not incomplete, and becomes"},
		{check: "complete/gone", name: "does not see that a message is gone", says: "want a Failure of the kind root_gone"},
		{check: "complete/remembered", name: "forgets what it was told", says: "what was told before cost"},
		{check: "complete/remembered", name: "remembers what is incomplete", says: "is completed to"},
		{check: thread, name: "leaves the root out", says: "0 messages, said were 1"},
		{check: thread, name: "leaves replies out", says: "1 messages, said were 6"},
		{check: thread, name: "reads one page", says: "said were 6"},
		{check: thread, name: "reads the same page for ever", says: "there is still more"},
		{check: thread, name: "reads more than is wanted", says: "wanted are 1 at most"},
		{check: thread, name: "turns history round", says: "message 0 is"},
		{check: thread, name: "reads what was deleted", says: "messages, said were 6"},
		{check: talk, name: "leaves replies out", says: "messages, said were 5"},
		{check: talk, name: "reads what was deleted", says: "messages, said were 5"},
		{check: talk, name: "forgets when it was edited", says: "edited at 0001"},
		{check: "read/user", name: "makes users up", says: "who does not exist, is found"},
		{check: "read/user", name: "forgets names", says: `want the name "Ann"`},
		{check: "read/gone", name: "reads nothing of what is gone", says: "want a Failure of the kind root_gone"},
		{check: "members/answers", name: "lets everybody in", says: `that "eve" belongs to group/eng is true`},
		{check: "members/answers", name: "belongs to everything", says: "what is no conversation is true"},
		{check: "probe/fine", name: "finds faults everywhere", says: "all is well, and the probe finds"},
		{check: "probe/fine", name: "probes nothing", says: "the probe checks nothing"},
		{check: "probe/fine", name: "probes without asking", says: "the probe asks nobody"},
		{check: "probe/fine", name: "posts when it probes", says: "1 requests that change something"},
		{check: "probe/broken", name: "finds no faults", says: "the probe finds no fault"},
		{check: "probe/broken", name: "shrugs", says: "is no sentence"},
		{check: "probe/broken", name: "finds the same everywhere", says: "is the same as that of"},
		{check: "probe/broken", name: "has nothing that is broken", says: "no broken configurations", spoil: func(p *Platform) { p.Broken = nil }},
	}
}
