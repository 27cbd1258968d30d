// Package cometchat is the CometChat platform: it decodes webhook calls into events, polls for the same events, carries out
// actions, looks up history, users and who is in a group, and checks a configuration. [Client] is the whole server API as far
// as a relay or a bot can use it, for programs of their own.
//
// It speaks the server API v3 (header "apikey", optionally "onBehalfOf") and takes three shapes of webhook call: the current
// one (data.message), the legacy one and that of a classic bot (data is the message itself). What the documents leave open
// is read generously: ids come as strings or numbers, an empty object may be an empty array, and an edit or a delete is
// either an action message around the original or the original itself.
package cometchat
