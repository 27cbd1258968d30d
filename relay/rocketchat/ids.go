package rocketchat

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/threadrelay/threadrelay/bus/event"
)

// maxID bounds an id, in bytes. Ids of the platform's own making have 17 to 34 characters; others may have made longer ones.
const maxID = 128

// base62 are the characters of the ids that the platform makes itself.
const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Our message ids begin with ownPrefix and have ownLength characters. Ids of the platform's own making do not: the web
// client's have 17 characters, and those that have 24 are hexadecimal.
const (
	ownPrefix = "tr"
	ownLength = 24
)

// messageID returns the id of the n-th message (counted from 0) that an action becomes. It is always the same, so that
// sending it again is recognised: the platform has at most one message of an id. purpose keeps apart what different kinds
// of messages of one action are; it is empty for its text.
func messageID(action event.ActionID, purpose string, n int) string {
	sum := sha256.Sum256([]byte(string(action) + "\x00" + purpose + "\x00" + strconv.Itoa(n)))
	rest, base := new(big.Int).SetBytes(sum[:]), big.NewInt(int64(len(base62)))
	var id strings.Builder
	id.WriteString(ownPrefix)
	for digit := new(big.Int); id.Len() < ownLength; {
		rest.DivMod(rest, base, digit)
		id.WriteByte(base62[digit.Int64()])
	}
	return id.String()
}

// isOwnMessageID reports whether an id looks as if [messageID] had made it. Whether the message is ours depends on its
// sender as well: ids are chosen by who sends.
func isOwnMessageID(id string) bool {
	return len(id) == ownLength && strings.HasPrefix(id, ownPrefix) && strings.Trim(id, base62) == ""
}

// checkID reports what cannot be the id of a user, a room or a message.
func checkID(id string) error {
	switch {
	case id == "":
		return errors.New("id is missing")
	case len(id) > maxID:
		return fmt.Errorf("id is %d bytes long, at most %d are allowed", len(id), maxID)
	case strings.ContainsFunc(id, unfitForID):
		return errors.New("id has characters that no id has")
	}
	return nil
}

// unfitForID reports characters that are in no id. A live chat's or an import's may have more than letters and digits.
func unfitForID(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune(`/\?#%"<>@`, r)
}

// checkRoomName reports what names no room: want an id, "#name" or "@username".
func checkRoomName(s string) error {
	if name, found := strings.CutPrefix(s, "#"); found {
		return checkName(name)
	}
	if name, found := strings.CutPrefix(s, "@"); found {
		return checkName(name)
	}
	return checkID(s)
}

// checkName reports what cannot be the name of a room or a user. Which characters are allowed is a setting.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("name is missing")
	case len(name) > maxID:
		return fmt.Errorf("name is %d bytes long, at most %d are allowed", len(name), maxID)
	case strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`/\?#@`, r) }):
		return errors.New("name has characters that no name has")
	}
	return nil
}
