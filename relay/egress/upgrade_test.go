package egress

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

// An upgrade goes through on a server that would rather speak HTTP/2, and what follows it is nobody's but its caller's.
func TestUpgrade(t *testing.T) {
	var agent string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		agent = r.UserAgent()
		if r.URL.Path != "/up" || r.ProtoMajor != 1 {
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
			return
		}
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "echo")
		w.WriteHeader(http.StatusSwitchingProtocols)
		conn, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		line, _ := rw.ReadString('\n')
		_, _ = io.WriteString(conn, line)
	}, withHTTP2)
	c, err := NewUpgrade(Config{CAFile: authorityOf(t, srv), UserAgent: "tester/1"})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/up", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	conn, ok := resp.Body.(io.ReadWriteCloser)
	if !ok || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", resp.StatusCode)
	}
	long := strings.Repeat("x", 1<<16) + "\n"
	if _, err := io.WriteString(conn, long); err != nil {
		t.Fatal(err)
	}
	if got, err := bufio.NewReaderSize(conn, 1<<17).ReadString('\n'); got != long || err != nil {
		t.Errorf("came back with %d bytes, %v", len(got), err)
	}
	if agent != "tester/1" {
		t.Errorf("called as %q", agent)
	}
	redirected, err := c.Get(srv.URL + "/away")
	if err != nil {
		t.Fatal(err)
	}
	defer redirected.Body.Close()
	if redirected.StatusCode != http.StatusFound {
		t.Errorf("followed a redirect to %d", redirected.StatusCode)
	}
}

func TestUpgradeKnowsWhomToTrust(t *testing.T) {
	srv := serve(t, says(200, 1, true), withTLS)
	c, err := NewUpgrade(Config{})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Get(srv.URL)
	if err == nil {
		resp.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "no authority that is known here") {
		t.Errorf("error %v", err)
	}
	for _, cfg := range []Config{{Timeout: -1}, {CAFile: "/nowhere"}} {
		if _, err := NewUpgrade(cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
}
