// Package relay is the contract between threadrelay and a chat platform: what a platform can be asked to do, and the errors
// by which it says what became of it. It holds no goroutine and knows no bus.
//
// A platform implements the interfaces that it can; the others are found missing by type assertion.
package relay
