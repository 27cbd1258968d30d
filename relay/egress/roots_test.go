package egress

import (
	"crypto/x509"
	"errors"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

const notACertificate = "-----BEGIN CERTIFICATE-----\naHVzaA==\n-----END CERTIFICATE-----\n"

func TestAuthorities(t *testing.T) {
	srv := serve(t, says(200, 1, true), withTLS)
	good := readText(t, authorityOf(t, srv))
	key := "-----BEGIN PRIVATE KEY-----\naHVzaA==\n-----END PRIVATE KEY-----\n"
	tests := []struct {
		name, text, want string
	}{
		{"one", good, ""},
		{"among others", "# a comment\n" + key + good, ""},
		{"empty", "", "holds no certificate in PEM"},
		{"text", "hush", "holds no certificate in PEM"},
		{"key", key, "holds no certificate in PEM"},
		{"unreadable", good + notACertificate, "certificate 2 cannot be read"},
		{"too long", good + strings.Repeat("\n", maxAuthorities), "has more than 1048576 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := writeFile(t, tt.text)
			c, err := New(Config{CAFile: path})
			if tt.want != "" {
				if err == nil || !strings.HasPrefix(err.Error(), "egress: CAFile: ") || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), tt.want) {
					t.Error(err)
				}
				if err != nil && (strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "aHVzaA")) {
					t.Errorf("the file's contents stand in: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.CloseIdleConnections)
			if _, err := fetch(c, srv.URL); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAuthoritiesOfTheMachineStay(t *testing.T) {
	srv := serve(t, nil, withTLS)
	all, err := Authorities(authorityOf(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	want, err := x509.SystemCertPool()
	if err != nil {
		t.Fatal(err)
	}
	want.AddCert(srv.Certificate())
	if !all.Equal(want) {
		t.Error("the authorities are not the machine's and that of the file")
	}
}

func TestAuthoritiesThatCannotBeRead(t *testing.T) {
	for path, want := range map[string]string{
		filepath.Join(t.TempDir(), "absent"): "no such file", t.TempDir(): "is a directory",
	} {
		_, err := New(Config{CAFile: path})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), path) != 1 {
			t.Error(err)
		}
	}
}

func TestUnknownAuthority(t *testing.T) {
	var calls int
	srv := serve(t, func(http.ResponseWriter, *http.Request) { calls++ }, withTLS)
	_, err := fetch(client(t, Config{}, nil), srv.URL)
	if !errors.As(err, new(x509.UnknownAuthorityError)) || !strings.Contains(err.Error(), "no authority that is known here has signed the server's certificate") {
		t.Error(err)
	}
	if calls != 0 {
		t.Error("the server was called all the same")
	}
}
