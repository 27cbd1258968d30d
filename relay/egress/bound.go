package egress

import (
	"errors"
	"fmt"
	"io"
	"net/http"
)

// The ways in which a call is too long.
var (
	// ErrRequestTooLong means that the body of a request has more bytes than are sent. No such request was made: either nothing
	// was sent or, of a body whose length was not known before, no end.
	ErrRequestTooLong = errors.New("egress: the request is too long")
	// ErrAnswerTooLong means that an answer has more bytes than are read of one.
	ErrAnswerTooLong = errors.New("egress: the answer is too long")
)

// Bound returns a reader of up to most bytes of r. If r has more, its last read is [ErrAnswerTooLong].
func Bound(r io.Reader, most int64) io.Reader {
	return &bounded{r: r, left: most, most: most, fault: ErrAnswerTooLong}
}

// ReadAll reads r to its end, so that the network connection can be used again, or up to most bytes, with [ErrAnswerTooLong].
func ReadAll(r io.Reader, most int64) ([]byte, error) { return io.ReadAll(Bound(r, most)) }

// bounded reads up to left bytes and fails at the next one.
type bounded struct {
	r     io.Reader
	left  int64 // -1 once it has failed
	most  int64
	fault error
}

// Read reads, or fails because there is more.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, tooLong(b.fault, b.most)
	}
	if int64(len(p))-1 > b.left {
		p = p[:b.left+1]
	}
	n, err := b.r.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		b.left = -1
		return n, tooLong(b.fault, b.most)
	}
	b.left -= int64(n)
	return n, err
}

func tooLong(fault error, most int64) error {
	return fmt.Errorf("%w: longer than %d bytes", fault, most)
}

// boundRequest refuses a request whose body is too long, and has one of unknown length fail while it is sent.
func boundRequest(req *http.Request, most int64) error {
	switch {
	case req.Body == nil || req.Body == http.NoBody:
		return nil
	case req.ContentLength > most:
		return fmt.Errorf("%w: %d bytes, and at most %d are sent", ErrRequestTooLong, req.ContentLength, most)
	case req.ContentLength > 0:
		return nil
	}
	req.GetBody = nil // the next body would have no bound
	req.Body = struct {
		io.Reader
		io.Closer
	}{&bounded{r: req.Body, left: most, most: most, fault: ErrRequestTooLong}, req.Body}
	return nil
}
