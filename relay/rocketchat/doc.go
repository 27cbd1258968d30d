// Package rocketchat is the Rocket.Chat platform: it decodes outgoing webhooks into events, polls and listens for the same
// events, carries out actions, looks up history, users and who is in a room, and checks a configuration. [Client] is the REST
// API as far as a relay or a bot can use it, for programs of their own.
//
// It speaks the REST API v1 of the servers 7.x, 8.x and 9.x with a personal access token (headers "X-User-Id" and
// "X-Auth-Token"). Where these differ, above all in how they refuse a call, all of them are understood; what the documents
// leave open is read generously. The parameters "query" and "fields", which newer servers do not have any more, are never sent.
package rocketchat
