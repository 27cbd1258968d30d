package natsd_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/threadrelay/threadrelay/bus/natsd"
)

func TestMaxStoreFollowsTheFreeDisk(t *testing.T) {
	empty, held := t.TempDir(), t.TempDir()
	const holds = 1 << 40 // a file without blocks: it counts and takes nothing
	if err := os.Mkdir(filepath.Join(held, "deep"), 0o750); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(held, "deep", "file")) //nolint:gosec // a folder of the test's own
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(holds); err != nil {
		if os.Getenv("THREADRELAY_REQUIRE_ALL") == "1" {
			t.Fatalf("no sparse files here, and THREADRELAY_REQUIRE_ALL is set: %v", err)
		}
		t.Skipf("SKIPPED: no sparse files here, so nobody has looked at a disk that is nearly full: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	var limits []int64
	for _, dir := range []string{empty, held} {
		s := start(t, natsd.Config{Dir: dir})
		limits = append(limits, s.MaxStore())
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	const slack = 4 << 30 // others write to the disk meanwhile
	if more := limits[1] - limits[0]; more < holds/5*4-slack || more > holds/5*4+slack {
		t.Errorf("the limit is %d, and %d with %d bytes stored: want 80 %% of those more", limits[0], limits[1], int64(holds))
	}
	if limits[0] < 1<<20 {
		t.Errorf("of the free disk the store may take %d bytes", limits[0])
	}
}

func TestMaxStore(t *testing.T) {
	if s, err := natsd.New(natsd.Config{Dir: t.TempDir(), MaxStore: -1}); err == nil {
		_ = s.Close()
		t.Error("a negative limit was taken")
	}
	s := start(t, natsd.Config{Dir: t.TempDir(), MaxStore: 10 << 20})
	defer func() { _ = s.Close() }()
	if got := s.MaxStore(); got != 10<<20 {
		t.Errorf("limit %d", got)
	}
	nc, err := s.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, MaxBytes: 11 << 20})
	if err == nil || !strings.Contains(err.Error(), "insufficient storage") {
		t.Errorf("a stream above the limit: %v", err)
	}
}

// A limit that is lowered below what streams hold or have reserved must not keep the server from its streams.
func TestALowerMaxStoreKeepsTheStreams(t *testing.T) {
	dir := t.TempDir()
	for _, limit := range []int64{20 << 20, 4 << 20, 1 << 20} {
		s := start(t, natsd.Config{Dir: dir, MaxStore: limit})
		nc, err := s.Connect()
		if err != nil {
			t.Fatal(err)
		}
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		if limit == 20<<20 {
			if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, MaxBytes: 10 << 20}); err != nil {
				t.Fatal(err)
			}
			for range 8 {
				if _, err := js.Publish(t.Context(), "s", make([]byte, 256<<10)); err != nil {
					t.Fatal(err)
				}
			}
		}
		stream, err := js.Stream(t.Context(), "S")
		if err != nil {
			t.Fatalf("with a limit of %d: %v", limit, err)
		}
		if got := stream.CachedInfo().State.Msgs; got != 8 {
			t.Errorf("with a limit of %d: %d messages, want 8", limit, got)
		}
		nc.Close()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestUsersSeeTheirSubjectsOnly(t *testing.T) {
	s := start(t, natsd.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0", Users: []natsd.User{
		{Name: "all", Password: "p"},
		{Name: "few", Password: "p", Publish: []string{"a"}, Subscribe: []string{"b", "_INBOX.>"}},
	}})
	defer func() { _ = s.Close() }()
	if _, err := nats.Connect(s.URL()); !errors.Is(err, nats.ErrAuthorization) {
		t.Errorf("connected without a name: %v", err)
	}
	denied := make(chan error, 4)
	few, err := s.Connect(nats.UserInfo("few", "p"), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { denied <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer few.Close()
	all, err := s.Connect(nats.UserInfo("all", "p"))
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	if _, err := few.Subscribe("b", func(m *nats.Msg) { _ = m.Respond([]byte("answer")) }); err != nil {
		t.Fatal(err)
	}
	if err := few.Flush(); err != nil {
		t.Fatal(err)
	}
	m, err := all.RequestWithContext(t.Context(), "b", nil)
	if err != nil || string(m.Data) != "answer" {
		t.Errorf("the answer to a request: %v, %v", m, err)
	}
	if err := few.Publish("c", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := few.SubscribeSync("a"); err != nil {
		t.Fatal(err)
	}
	if err := few.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`Publish to "c"`, `Subscription to "a"`} {
		if err := <-denied; !strings.Contains(err.Error(), want) {
			t.Errorf("denied: %v, want %s", err, want)
		}
	}
}
