// Package relaytest is the conformance suite of package relay: what every platform has to pass, whatever it is called.
//
// A platform's own test describes it in a [Platform], with a [Stage] on which people can say things, and calls [Run]. Each
// check builds a stage of its own and puts a server before it, through which connections are led: the server counts requests,
// and answers late, wrongly, by half or not at all where a check wants that. So a stage needs no faults of its own.
//
// Checks know the interfaces of package relay alone. One that a platform does not promise is reported as not covered; one that
// it promises and does not implement fails. Whatever a connection returns in the course of the suite, errors, events and
// receipts alike, is searched for the platform's secrets.
package relaytest
