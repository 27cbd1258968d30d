package rocketchat

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/bus/event"
	"github.com/threadrelay/threadrelay/relay"
)

// newFakeMedia returns a fake chat with a connection that may fetch from the machine itself, and a server of files to fetch
// from it.
func newFakeMedia(t *testing.T, files http.HandlerFunc) (*fakeChat, *Connection, string) {
	f, c := newFakeChat(t)
	c = newConnection(t, func(cfg *Config) { cfg.URL, cfg.PrivateMedia = c.client.base, true })
	srv := httptest.NewServer(files)
	t.Cleanup(srv.Close)
	return f, c, srv.URL
}

func picture(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-Auth-Token") != "" {
		panic("the token leaves for " + r.Host)
	}
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write([]byte("a picture"))
}

func withFiles(a event.Action, files ...event.MediaRef) event.Action {
	a.Attachments = files
	return a
}

func TestAttachments(t *testing.T) {
	f, c, url := newFakeMedia(t, picture)
	f.say("rootMessage000001", fakeRoom, "", "root")
	a := as(withFiles(replyTo("rootMessage000001", "look"), event.MediaRef{URL: url + "/a/cat.png?x=1"}, event.MediaRef{URL: url + "/1", Name: "dög/\"2\".bin", MIMEType: "application/x-dog"}), "Ana", "")
	want, err := c.Send(t.Context(), a)
	must(t, err)
	if len(want.Parts) != 3 || want.Message != want.Parts[0] || f.doc(string(want.Message))["msg"] != "look" {
		t.Fatalf("%+v", want)
	}
	for i, file := range []string{"cat.png image/png 9", "dög__2_.bin application/x-dog 9"} {
		d := f.doc(string(want.Parts[i+1]))
		got := d["file"].(object)
		if said := fmt.Sprint(got["name"], " ", got["type"], " ", got["size"]); said != file || d["tmid"] != "rootMessage000001" || d["alias"] != "Ana" {
			t.Errorf("%s: %v", said, d)
		}
	}
	got, found, err := c.Find(t.Context(), a, time.Time{})
	if err != nil || !found || !slices.Equal(got.Parts, want.Parts) {
		t.Errorf("Find returns %+v, %t, %v", got, found, err)
	}
	again := newConnection(t, func(cfg *Config) { cfg.URL, cfg.PrivateMedia = c.client.base, true }) // a restarted process
	got, err = again.Send(t.Context(), a)
	if err != nil || !slices.Equal(got.Parts, want.Parts) || f.count("rooms.mediaConfirm") != 2 {
		t.Errorf("sent again: %+v, %v, and there are %q", got, err, f.texts())
	}
}

func TestAttachmentsThatWereInterrupted(t *testing.T) {
	f, c, url := newFakeMedia(t, picture)
	a := withFiles(postOf("look"), event.MediaRef{URL: url + "/a.png"}, event.MediaRef{URL: url + "/a.png"})
	confirmed := 0
	f.after = func(http.ResponseWriter, fakeCall) bool {
		if confirmed == 1 {
			panic(http.ErrAbortHandler) // the answer is lost
		}
		return false
	}
	f.before = func(_ http.ResponseWriter, call fakeCall) bool {
		if call.route == "rooms.mediaConfirm" {
			confirmed++
		}
		return false
	}
	if got := sendKind(t, c, a); got.Kind != relay.Temporary {
		t.Fatal(got)
	}
	f.meddle(nil, nil)
	if _, found, err := c.Find(t.Context(), a, time.Time{}); found || err != nil {
		t.Errorf("found half of it: %t, %v", found, err)
	}
	r, err := c.Send(t.Context(), a)
	if err != nil || len(r.Parts) != 3 || len(f.docs) != 3 {
		t.Errorf("%+v, %v: %q", r, err, f.texts())
	}
}

func TestAttachmentsWithoutText(t *testing.T) {
	f, c, url := newFakeMedia(t, picture)
	file := event.MediaRef{URL: url + "/sticker.png"}
	one, two := withFiles(postOf(""), file), withFiles(postOf(""), file)
	one.ID, two.ID = "one", "two" // of the same moment, and alike
	var ids []event.MessageID
	for _, a := range []event.Action{one, two} {
		r, err := c.Send(t.Context(), a)
		must(t, err)
		ids = append(ids, r.Message)
	}
	if ids[0] == ids[1] || len(f.docs) != 2 {
		t.Errorf("%q", ids)
	}
	for i, a := range []event.Action{one, two} {
		r, err := c.Send(t.Context(), a)
		if err != nil || r.Message != ids[i] || r.Parts != nil {
			t.Errorf("%s sent again: %+v, %v", a.ID, r, err)
		}
	}
	if len(f.docs) != 2 {
		t.Errorf("%d messages", len(f.docs))
	}
}

func TestAttachmentsThatBecomeLinks(t *testing.T) {
	var secondHalf atomic.Int32
	f, c, url := newFakeMedia(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large.bin":
			w.Header().Set("Content-Length", fmt.Sprint(maxAttachment+1))
			w.WriteHeader(http.StatusOK)
		case "/broken.bin":
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("half"))
			secondHalf.Add(1)
			panic(http.ErrAbortHandler)
		default:
			http.NotFound(w, r)
		}
	})
	tests := map[string]string{
		url + "/gone [1].png":               "📎 [gone 1.png](" + url + "/gone%20%5B1%5D.png)",
		url + "/large.bin":                  "📎 [large.bin](" + url + "/large.bin)",
		url + "/broken.bin":                 "📎 [broken.bin](" + url + "/broken.bin)",
		url + "/a(1)|_x_.png":               "📎 [a(1)|\\_x\\_.png](" + url + "/a%281%29%7C_x_.png)",
		"ftp://h/x.png":                     "📎 x.png",
		"http://u:p@127.0.0.1:1/secret.png": "📎 secret.png",
		"%zz":                               "📎 file",
	}
	for ref, want := range tests {
		a := withFiles(postOf("look"), event.MediaRef{URL: ref})
		a.ID = event.ActionID(ref)
		for range 2 {
			r, err := c.Send(t.Context(), a)
			must(t, err)
			if got := f.doc(string(r.Parts[1])); len(r.Parts) != 2 || got["msg"] != want {
				t.Errorf("%s became %q, want %q", ref, got["msg"], want)
			}
		}
	}
	if len(f.docs) != 2*len(tests) || secondHalf.Load() == 0 {
		t.Errorf("%d messages for %d actions", len(f.docs), len(tests))
	}
}

func TestUploadsThatAreNotTaken(t *testing.T) {
	f, c, url := newFakeMedia(t, picture)
	f.noUploads = true
	r, err := c.Send(t.Context(), withFiles(postOf("look"), event.MediaRef{URL: url + "/a.png"}))
	must(t, err)
	if got := f.doc(string(r.Parts[1]))["msg"]; got != "📎 [a.png]("+url+"/a.png)" {
		t.Error(got)
	}
	f.before = func(w http.ResponseWriter, call fakeCall) bool {
		if call.route == "rooms.media" {
			answer(503, "")(w, call.r)
		}
		return call.route == "rooms.media"
	}
	a := withFiles(postOf("look"), event.MediaRef{URL: url + "/b.png"})
	a.ID = "later"
	if got := sendKind(t, c, a); got.Kind != relay.Temporary {
		t.Error(got)
	}
}

func TestOwnFilesAreAskedForWithTheToken(t *testing.T) {
	f, c, url := newFakeMedia(t, picture)
	f.before = func(w http.ResponseWriter, call fakeCall) bool {
		if !strings.HasPrefix(call.r.URL.Path, "/file-upload/") {
			return false
		}
		if call.r.URL.Path == "/file-upload/elsewhere/b.png" {
			http.Redirect(w, call.r, url+"/b.png", http.StatusFound)
		} else {
			_, _ = w.Write([]byte("our own picture"))
		}
		return true
	}
	a := withFiles(postOf("look"), event.MediaRef{URL: c.client.base + "/file-upload/here/a.png"}, event.MediaRef{URL: c.client.base + "/file-upload/elsewhere/b.png"})
	r, err := c.Send(t.Context(), a)
	must(t, err)
	for i, want := range []int{len("our own picture"), len("a picture")} {
		if got := f.doc(string(r.Parts[i+1]))["file"].(object); got["size"] != want {
			t.Errorf("%v, want %d bytes", got, want)
		}
	}
}

func TestPrivateAddressesAreRefused(t *testing.T) {
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(srv.Close)
	f, c := newFakeChat(t)
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		a := withFiles(postOf("look"), event.MediaRef{URL: "http://" + host + ":" + port + "/a.png"})
		a.ID = event.ActionID(host)
		r, err := c.Send(t.Context(), a)
		must(t, err)
		if got := f.doc(string(r.Parts[1]))["msg"].(string); !strings.HasPrefix(got, "📎 [a.png](") || asked.Load() > 0 {
			t.Errorf("%s: %q, asked %d times", host, got, asked.Load())
		}
	}
}

func TestIsPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false, "192.0.2.1": false, "::": false, "::1": false, "fe80::1": false,
		"fd00::1": false, "::ffff:10.0.0.1": false, "64:ff9b::a00:1": false, "2002:a00:1::": false, "2001:db8::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: %t", address, got)
		}
	}
}
