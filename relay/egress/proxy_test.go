package egress

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// The variables that make a process of the tests a child, which makes one call. net/http reads the proxy variables once in a
// process, so that each of their values needs one of its own.
const childAddress, childAuthorities = "EGRESS_TEST_ADDRESS", "EGRESS_TEST_AUTHORITIES"

// childGet makes the call of a child, and returns what it prints.
func childGet(address, authorities string) string {
	c, err := New(Config{CAFile: authorities})
	if err != nil {
		return err.Error()
	}
	got, err := fetch(c, address)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s %d %s", got.proto, got.status, got.text)
}

func runChild(t *testing.T, address, authorities string, environ ...string) string {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(strings.ToLower(entry), "="); !strings.HasSuffix(name, "_proxy") {
			child.Env = append(child.Env, entry)
		}
	}
	child.Env = append(child.Env, childAddress+"="+address, childAuthorities+"="+authorities, "GORACE=atexit_sleep_ms=0")
	child.Env = append(child.Env, environ...)
	out, err := child.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// relay is a proxy that answers calls itself and leads every tunnel to one address.
type relay struct {
	t      *testing.T
	tunnel string
	mu     sync.Mutex
	asked  []string
}

// ServeHTTP notes what is asked for.
func (p *relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI)
	p.mu.Unlock()
	if r.Method != http.MethodConnect {
		fmt.Fprint(w, "by proxy")
		return
	}
	there, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", p.tunnel)
	if err != nil {
		p.t.Error(err)
		return
	}
	here, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		p.t.Error(err)
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
	go func() {
		_, _ = io.Copy(there, here)
		_ = there.Close()
	}()
	_, _ = io.Copy(here, there)
	_ = here.Close()
}

// TestHostsBehindAProxy has each host have its own sockets, though they all lead to the proxy.
func TestHostsBehindAProxy(t *testing.T) {
	platform := serve(t, says(200, 1, true), withTLS)
	p := &relay{t: t, tunnel: platform.Listener.Addr().String()}
	proxied := serve(t, p.ServeHTTP, nil)
	address, err := url.Parse(proxied.URL)
	if err != nil {
		t.Fatal(err)
	}
	m := newMeter()
	c := client(t, Config{MaxConns: 1, CAFile: authorityOf(t, platform)}, m.connect)
	c.Transport.(*transport).network.Proxy = http.ProxyURL(address)
	for range 3 {
		for _, host := range []string{"https://example.com", "https://www.example.com"} {
			if _, err := fetch(c, host); err != nil {
				t.Fatal(err)
			}
		}
	}
	if total, _, _ := m.counts(); total != 2 {
		t.Errorf("%d sockets for 2 hosts", total)
	}
}

func TestProxyOfTheEnvironment(t *testing.T) {
	platform := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Host) }, withHTTP2)
	p := &relay{t: t, tunnel: platform.Listener.Addr().String()}
	proxied := serve(t, p.ServeHTTP, nil)
	tests := []struct{ name, address, environ, asked, want string }{
		{"http", "http://example.com/v3", "HTTP_PROXY=" + proxied.URL, "GET http://example.com/v3", "HTTP/1.1 200 by proxy"},
		{"https", "https://example.com/v3", "HTTPS_PROXY=" + proxied.URL, "CONNECT example.com:443", "HTTP/2.0 200 example.com"},
		{"none for this machine", platform.URL, "HTTPS_PROXY=" + proxied.URL, "", "HTTP/2.0 200 127.0.0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p.asked = nil
			got := runChild(t, tt.address, authorityOf(t, platform), tt.environ)
			if asked := strings.Join(p.asked, ", "); asked != tt.asked || !strings.HasPrefix(got, tt.want) {
				t.Errorf("the proxy was asked %q, want %q; the answer was %q, want %q", asked, tt.asked, got, tt.want)
			}
		})
	}
}
