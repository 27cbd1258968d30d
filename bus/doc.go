// Package bus carries events and actions: Watermill's Publisher and Subscriber over NATS JetStream, with one ordered lane
// per thread, dead letters, and requests that the relay answers for bots.
//
// What is promised:
//
//   - Publish returns nil only after JetStream acknowledged every message, and a message id that the stream has seen within
//     its duplicate window is stored once.
//   - A subscriber hands on the messages of one lane one at a time, in the order of the stream; lanes run side by side. A
//     message that failed holds its lane until it succeeds or becomes a dead letter, and no other lane waits for it.
//   - What was handled is written to a progress record by compare-and-swap, not to a JetStream consumer, whose confirmed
//     acknowledgements can be lost when the server is killed. A lane goes on only when that write is confirmed. So a
//     message may be handled again after a crash if its handler had not come to that point, and never once it had.
//   - The subscribers of a group share its work, in any number of processes: each partition of the threads has one owner at
//     a time, who is fenced by that same record. One who stops hands over at once; one who dies is replaced after a TTL.
//   - What cannot be handled becomes a dead letter, which can be replayed for the group that gave up.
//   - State is kept with compare-and-swap and a TTL per key, and a lease gives one holder at a time what only one may do.
//
// Watermill's own NATS module is not used. Measured against it: after a restart it handles the whole stream again, it
// handles one message at a time, it panics on a header with two values, it never sets Nats-Msg-Id, so that nothing is ever
// recognised as a duplicate, and it closes connections that were lent to it.
package bus
