// Package budget shares a connection's rate limits between lanes and instances.
//
// A [Budget] knows groups of calls that share a limit (see [relay.Group]). Each call is charged to one or several of them, and
// [Budget.Take] answers at once: go, or come back after so long. Nobody waits inside.
//
// # What is known of a limit
//
// A group starts open. Its limit is learned from what answers tell ([Budget.Observe]); the limit of one sender is presumed to be
// that of all, until a sender's own answers say otherwise. A platform that tells no limits, and refuses calls twice at about the
// number that its documents name, is held to that number. What was learned is kept in the connection's record, which every
// instance reads when it starts and every two seconds while it is busy, and is forgotten if nothing has confirmed it for a
// day. A configured limit counts from the first call on; where an answer tells a stricter one, that one counts.
//
// A group that the platform asks to wait ([Budget.Pause], or a [relay.Reading] with a pause) waits exactly so long, an hour at
// most, and no other group does. Whoever else charges that group waits too, at whichever instance.
//
// # How a limit is kept
//
// Of a limit of N calls per period no more than N are made in any stretch of that length, wherever it begins: that satisfies
// windows that begin at fixed times as well as windows that roll. Calls are counted in slots of a fortieth of the period, and
// each is remembered for two slots longer than the period, since it reaches the platform later than it was allowed. That is
// the price: about 94 % of the limit can be used.
//
// The first half of a limit can be had at once. The rest is spread evenly over the time until calls are forgotten: who comes in
// the middle of a flood finds the line moving.
//
// # Who is next
//
// A lane whose head has to wait stands in line at the group that it has to wait for longest, and only there: it takes nothing
// from other groups until it can go. Lines are served in the order of arrival. A lane has one head, so a thread with a
// thousand actions has no more than its turn among the others. Whoever does not come back within a second of its time is
// passed over, keeps its place for a minute and is then forgotten.
//
// # Several instances
//
// The calls of a limited group are counted in one record, which instances change by compare-and-swap before they call. Each
// takes what it needs at the moment, or what it has needed in the last slot up to a tenth of the limit, and gives back what it
// has not used at the end of the slot. So a limit of 30 per minute costs a write per call, and one of 20,000 per minute a write
// every second and a half. A group without a limit costs none.
//
// The clock of the records is that of the NATS server, from which each instance measures its own distance.
//
// While the records cannot be written, an instance goes on with its share: the limit divided by the number of instances that
// were seen at the group in its last period. What it has called then is added when the records can be written again.
package budget
