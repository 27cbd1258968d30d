package bus

import (
	"fmt"
	"strconv"
	"strings"
)

// Topics: what a message is published to and subscribed from. Each is one stream.
const (
	// Events carries what happened at the platforms.
	Events = "events"
	// Incomplete carries events of which it has yet to be found out where they belong. Their lane is the message that they are
	// about. No bot reads them.
	Incomplete = "incomplete"
	// Actions carries what bots want done there.
	Actions = "actions"
	// Receipts carries what became of actions.
	Receipts = "receipts"
)

const (
	root       = "relay."
	deadPrefix = root + "dead."
	deadAll    = deadPrefix + ">"
	noLane     = "_._"
)

// publishSubject is where a message of a lane is published to: relay.<topic>.<connection>.<thread>. Publishers in any
// language use it; the stream adds the partition (see storedTransform).
func publishSubject(topic, lane string) string { return root + topic + "." + lane }

// publishFilter is what the topic's stream listens to.
func publishFilter(topic string) string { return root + topic + ".*.*" }

// storedTransform is what the stream makes of a published subject: relay.<topic>.<partition>.<connection>.<thread>, with
// the partition a hash of connection and thread.
func storedTransform(topic string, partitions int) string {
	return fmt.Sprintf("%s%s.{{partition(%d,1,2)}}.{{wildcard(1)}}.{{wildcard(2)}}", root, topic, partitions)
}

// partitionFilter matches the stored subjects of one partition.
func partitionFilter(topic string, partition int) string {
	return root + topic + "." + strconv.Itoa(partition) + ".>"
}

// laneOf takes the lane, <connection>.<thread>, out of a stored subject.
func laneOf(topic, stored string) string {
	_, lane, _ := strings.Cut(strings.TrimPrefix(stored, root+topic+"."), ".")
	return lane
}

// memberSubject is where the members of a group that work on a topic hear each other.
func memberSubject(group, topic string) string { return root + "members." + group + "." + topic }

// deadSubject names one dead letter. The same message that dies twice for the same consumer has the same name.
func deadSubject(stage, consumer, key string) string {
	return deadPrefix + stage + "." + consumer + "." + key
}

// querySubject is where a question about a connection is asked.
func querySubject(connection, kind string) string { return root + "query." + connection + "." + kind }

// validToken reports whether s can be one token of a subject, a consumer group or a KV key.
func validToken(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// validLane reports whether s is a connection and a thread, two tokens without wildcards.
func validLane(s string) bool {
	dot := strings.IndexByte(s, '.')
	if dot <= 0 || dot == len(s)-1 {
		return false
	}
	for i := range len(s) {
		switch s[i] {
		case '*', '>', ' ', '\t', '\r', '\n':
			return false
		case '.':
			if i != dot {
				return false
			}
		}
	}
	return true
}
