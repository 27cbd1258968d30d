package natsd_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/threadrelay/threadrelay/bus/natsd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T, cfg natsd.Config) *natsd.Server {
	t.Helper()
	s, err := natsd.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// store writes or reads one key over a connection.
func store(t *testing.T, nc *nats.Conn, write string) string {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.CreateOrUpdateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b", Storage: jetstream.FileStorage})
	if err != nil {
		t.Fatal(err)
	}
	if write != "" {
		if _, err := kv.PutString(t.Context(), "k", write); err != nil {
			t.Fatal(err)
		}
	}
	entry, err := kv.Get(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	return string(entry.Value())
}

func TestWhatIsStoredOutlivesTheServer(t *testing.T) {
	for _, always := range []bool{false, true} {
		dir := filepath.Join(t.TempDir(), "made", "for", "it")
		for _, write := range []string{"value", ""} {
			s := start(t, natsd.Config{Dir: dir, SyncAlways: always})
			nc, err := s.Connect()
			if err != nil {
				t.Fatal(err)
			}
			if got := store(t, nc, write); got != "value" {
				t.Errorf("read %q", got)
			}
			nc.Close()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestListen(t *testing.T) {
	s := start(t, natsd.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	defer func() { _ = s.Close() }()
	nc, err := nats.Connect(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if got := store(t, nc, "over TCP"); got != "over TCP" {
		t.Errorf("read %q", got)
	}
}

func TestNewRefuses(t *testing.T) {
	inUse := t.TempDir()
	s := start(t, natsd.Config{Dir: inUse})
	defer func() { _ = s.Close() }()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Close() }()
	cases := map[string]struct {
		cfg  natsd.Config
		want string
	}{
		"no folder":             {natsd.Config{}, "Config.Dir is required"},
		"a folder in use":       {natsd.Config{Dir: inUse}, "in use by another process"},
		"a file for a folder":   {natsd.Config{Dir: file}, "not a directory"},
		"a port in use":         {natsd.Config{Dir: t.TempDir(), Listen: busy.Addr().String()}, "address already in use"},
		"an address without":    {natsd.Config{Dir: t.TempDir(), Listen: "localhost"}, "Config.Listen"},
		"an address with words": {natsd.Config{Dir: t.TempDir(), Listen: "localhost:nats"}, "not a number"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s, err := natsd.New(c.cfg)
			if err == nil {
				_ = s.Close()
				t.Fatal("started")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
			if (name == "a folder in use") != errors.Is(err, natsd.ErrInUse) {
				t.Errorf("errors.Is ErrInUse: %v", errors.Is(err, natsd.ErrInUse))
			}
		})
	}
}
