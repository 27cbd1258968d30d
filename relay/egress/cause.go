package egress

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
)

// Cause returns what went wrong on the way, of an error of the client or of reading an answer: less the method and the URL,
// which may hold credentials and which the caller names, and with the caller's own reason in it if the caller has given up.
func Cause(caller context.Context, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	if gone := caller.Err(); gone != nil && !errors.Is(err, gone) {
		return fmt.Errorf("%w: %w", gone, err)
	}
	return err
}

// explain adds to an error of net/http what it means here.
func explain(err error) error {
	var stranger x509.UnknownAuthorityError
	var slow net.Error
	switch {
	case errors.As(err, &stranger):
		return fmt.Errorf("no authority that is known here has signed the server's certificate (a PEM file can name further ones): %w", err)
	case errors.As(err, &slow) && slow.Timeout() && !errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	return err
}
