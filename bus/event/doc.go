// Package event defines what travels through threadrelay: events that came from a chat platform, actions that bots want
// carried out there, and the typed ids and thread references that both speak of.
//
// Everything is plain data with a versioned JSON form (see [Version]), so that a bot can be written in any language. The
// package uses the standard library alone and knows neither NATS nor any platform.
//
// The folder schema beside it holds the JSON Schema (draft 2020-12) of events and actions. A test keeps them and the types
// here the same.
package event
