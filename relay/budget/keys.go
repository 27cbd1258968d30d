package budget

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// maxPlainKey is the length up to which a group's key stands in the key of its record as it is.
const maxPlainKey = 300

// keys are where the records of a connection are.
type keys struct {
	connection event.ConnectionID
	facts      string // what was learned
	clock      string // what this instance measures the server's clock by
}

func newKeys(c event.ConnectionID, instance string) keys {
	return keys{connection: c, facts: "limits/" + string(c), clock: "clock/" + string(c) + "/" + instance}
}

// use is where the calls of a group are counted.
func (k keys) use(g relay.Group) string {
	key := g.Key
	if len(key) > maxPlainKey {
		sum := sha256.Sum256([]byte(key))
		key = "#" + hex.EncodeToString(sum[:])
	}
	return "use/" + string(k.connection) + "/" + g.Scope + "/" + key
}
