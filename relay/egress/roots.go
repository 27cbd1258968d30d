package egress

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// maxAuthorities is the largest PEM file in bytes; all the authorities of a common system are a quarter of it.
const maxAuthorities = 1 << 20

// Authorities returns the machine's authorities and those of a PEM file. It is an error if the file holds no certificate, or
// one that cannot be read; what else it holds is left out. No error repeats what the file holds.
func Authorities(path string) (*x509.CertPool, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("the machine's authorities: %w", err)
	}
	found := 0
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		found++
		authority, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%q: certificate %d cannot be read: %w", path, found, err)
		}
		pool.AddCert(authority)
	}
	if found == 0 {
		return nil, fmt.Errorf("%q holds no certificate in PEM", path)
	}
	return pool, nil
}

func readFile(path string) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // The path is a setting.
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, reason(err))
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxAuthorities+1))
	if err != nil {
		return nil, fmt.Errorf("cannot read %q: %w", path, reason(err))
	}
	if len(text) > maxAuthorities {
		return nil, fmt.Errorf("%q has more than %d bytes", path, maxAuthorities)
	}
	return text, nil
}

// reason takes the path, which the error above names, out of an error.
func reason(err error) error {
	var wrapped *fs.PathError
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}
