package relaytest

import (
	"net/http"
	"testing"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// Interface names an interface of package relay.
type Interface string

// The interfaces that a connection may implement.
const (
	Receiver     Interface = "Receiver"
	Decoder      Interface = "Decoder"
	Redactor     Interface = "Redactor"
	Sender       Interface = "Sender"
	Finder       Interface = "Finder"
	Members      Interface = "Members"
	Poller       Interface = "Poller"
	ThreadPoller Interface = "ThreadPoller"
	Completer    Interface = "Completer"
	Rememberer   Interface = "Rememberer"
	Reader       Interface = "Reader"
	Prober       Interface = "Prober"
	Capable      Interface = "Capable"
)

// interfaces are all of them.
func interfaces() []Interface {
	return []Interface{
		Receiver, Decoder, Redactor, Sender, Finder, Members, Poller, ThreadPoller, Completer, Rememberer, Reader, Prober, Capable,
	}
}

// implements reports whether a connection has an interface.
func implements(conn any, i Interface) bool {
	ok := false
	switch i {
	case Receiver:
		_, ok = conn.(relay.Receiver)
	case Decoder:
		_, ok = conn.(relay.Decoder)
	case Redactor:
		_, ok = conn.(relay.Redactor)
	case Sender:
		_, ok = conn.(relay.Sender)
	case Finder:
		_, ok = conn.(relay.Finder)
	case Members:
		_, ok = conn.(relay.Members)
	case Poller:
		_, ok = conn.(relay.Poller)
	case ThreadPoller:
		_, ok = conn.(relay.ThreadPoller)
	case Completer:
		_, ok = conn.(relay.Completer)
	case Rememberer:
		_, ok = conn.(relay.Rememberer)
	case Reader:
		_, ok = conn.(relay.Reader)
	case Prober:
		_, ok = conn.(relay.Prober)
	case Capable:
		_, ok = conn.(relay.Capable)
	}
	return ok
}

// Platform is what a platform's own test tells of it.
type Platform struct {
	// Name is what the platform is called in events and in its errors, such as "cometchat".
	Name string
	// Connection is the id of every connection that Connect makes.
	Connection event.ConnectionID
	// Promises are the interfaces that connections implement: all of them, so that one that gets lost is noticed.
	Promises []Interface
	// Secrets are what nothing may hold that a connection returns or prints.
	Secrets []Secret
	// NewStage makes a stage that ends with the test.
	NewStage func(t testing.TB, c StageConfig) Stage
	// Connect makes a connection, as the Self of the stage's scene. It calls nobody, and what it needs ends with the test.
	Connect func(t testing.TB, at Address) any
	// Tells says which events come by which way.
	Tells Tells
	// Hook is about webhooks, for a Receiver.
	Hook Hook
	// Golden are webhook payloads and the events that they are known to make, for a Receiver.
	Golden Golden
	// Verdicts are what errors mean, for a Sender, a Poller, a Finder, a Completer and a Reader.
	Verdicts Verdicts
	// Broken are configurations in which a Prober has to find a fault.
	Broken []Broken
	// Changes reports whether a request changes something on the platform; nil means all but GET and HEAD.
	Changes func(r *http.Request) bool
}

// Address is where a connection leads.
type Address struct {
	// URL is that of a server, without a path or a slash at its end.
	URL string
	// ClosedHook leaves out the credentials of webhooks.
	ClosedHook bool
}

// Secret is something that must not show.
type Secret struct {
	// Name is what it is called when it was found.
	Name string
	// Value is long enough not to be a word.
	Value string
	// Known is set if a connection knows it in plain, such as an API key that it sends: then it is taken out of whatever
	// comes back, including what people say.
	Known bool
}

// Tells are the types of events about messages that a platform has by its webhooks and by its polls. An event that both have
// must be the same one.
type Tells struct {
	Hooks, Polls []event.Type
	// Timeless are those of Hooks of which a webhook does not tell when it happened, and by that which of several it was. Completed
	// after several of them, each is the latest; and that one was told before does not save asking for another.
	Timeless []event.Type
}

// Hook says how webhook calls look.
type Hook struct {
	// Sign makes a call of a body, with the credentials that a connection demands.
	Sign func(body []byte) Call
	// Forged makes calls of a body whose credentials are missing or wrong, by what is wrong with them.
	Forged func(body []byte) map[string]Call
	// Unknown are bodies that are JSON, and nothing that the platform is known to send. [SecretPlace] stands in at least one of
	// them if there are Known secrets, and is replaced by those.
	Unknown []string
}

// SecretPlace is where the suite puts secrets into a body, within a JSON string.
const SecretPlace = "{{secret}}"

// Call is a webhook call.
type Call struct {
	Header http.Header
	Body   []byte
}

// Golden are payloads with what becomes of them.
type Golden struct {
	// Payloads are the bodies of webhook calls, by name.
	Payloads map[string][]byte
	// Want returns what an earlier run has written for a payload.
	Want func(name string) ([]byte, error)
	// Write keeps what becomes of a payload, for Want to return; nil means that the two are compared.
	Write func(name string, events []byte) error
}

// Verdicts say what refusals mean.
type Verdicts struct {
	// Refuse makes the documented error answer of a code and a message, both of which may be empty. The message goes into every
	// text that the platform may fill in.
	Refuse func(status int, code, message string) (contentType string, body []byte)
	// Codes are codes with a meaning of their own.
	Codes []string
	// Want is the rule: the kind of the Failure for a refusal.
	Want func(r Refusal) relay.Kind
}

// Refusal is an error answer.
type Refusal struct {
	// Call is what was refused: "post", "reply", "edit", "delete", "react", "unreact", "find", "poll", "complete", "thread",
	// "conversation" or "user". Only post and reply are refused with one of the Codes.
	Call string
	// Status is 200 to 599, or 101.
	Status int
	// Code is empty if the answer has none, or is not the documented one.
	Code string
}

// Broken is a configuration, or a platform, that is not as it should be.
type Broken struct {
	Name string
	// Connect makes a connection to the stage or, if it leads elsewhere, to where nothing is as it should be.
	Connect func(t testing.TB, s Stage, at Address) any
}
