package rocketsim_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/threadrelay/threadrelay/relay/sim/rocketsim"
)

// upload sends a file to a room in a part of a form.
func (x *site) upload(as, room, part, name, kind string, content []byte) reply {
	x.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	must(x.t, form.WriteField("note", "not a file"))
	h := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf(`form-data; name=%q; filename=%q`, part, name)}}
	if kind != "" {
		h.Set("Content-Type", kind)
	}
	w, err := form.CreatePart(h)
	must(x.t, err)
	_, err = w.Write(content)
	must(x.t, err, form.Close())
	r, err := http.NewRequest(http.MethodPost, x.url+"/api/v1/rooms.media/"+room, &body)
	must(x.t, err)
	r.Header.Set("Content-Type", form.FormDataContentType())
	r.Header.Set("X-User-Id", "id-"+as)
	r.Header.Set("X-Auth-Token", "token-"+as)
	return x.send(r)
}

func TestUpload(t *testing.T) {
	for _, version := range versions() {
		x := newSite(t, rocketsim.Config{Version: version})
		root := x.say(rocketsim.Say{From: "ann", Room: "TEAM", Text: "root"})
		file := x.upload("ann", "TEAM", "file", "a cat.png", "image/png", []byte("meow")).ok(t)
		id, url := file.at("file", "_id").(string), file.at("file", "url").(string)
		if url != "/file-upload/"+id+"/a%20cat.png" || x.count("TEAM") != 1 {
			t.Errorf("uploaded %s", file.Raw)
		}
		m := x.post("rooms.mediaConfirm/TEAM/"+id, "ann", object{"msg": "look", "tmid": root}).ok(t).message()
		if m["msg"] != "look" || m["tmid"] != root || m["groupable"] != false || fmt.Sprint(m["file"]) != "map[_id:"+id+" name:a cat.png size:4 type:image/png]" ||
			len(m["files"].([]any)) != 1 {
			t.Errorf("message %v", m)
		}
		a, _ := m["attachments"].([]any)[0].(object)
		for key, want := range map[string]any{
			"title": "a cat.png", "title_link": url, "image_url": url, "image_type": "image/png", "image_size": 4.0, "type": "file", "title_link_download": true,
		} {
			if a[key] != want {
				t.Errorf("attachment's %s is %v", key, a[key])
			}
		}
		if r := x.get(url, "bot"); r.Status != 200 || r.Raw != "meow" || r.Get("Content-Type") != "image/png" || !strings.Contains(r.Get("Content-Disposition"), "a cat.png") {
			t.Errorf("download %d %q %v", r.Status, r.Raw, r.Header)
		}
		must(t, x.DeleteAs("ann", m["_id"].(string)))
		if r := x.get(url, "bot"); r.Status != 404 {
			t.Errorf("download of a deleted message's file: %d", r.Status)
		}
	}
}

func TestDownloadsWantCredentials(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	id, err := x.Upload(rocketsim.Upload{From: "ann", Room: "TEAM", Name: "log.txt", Type: "text/plain", Text: "the log", Content: []byte("lines")})
	must(t, err)
	m, _ := x.Message(id)
	url := "/file-upload/" + m.Files[0] + "/log.txt"
	if a := m.Attachments[0].(object); m.Text != "the log" || a["format"] != "TXT" || a["size"] != 5 || a["title_link"] != url {
		t.Errorf("message %+v", m)
	}
	withCookie, err := http.NewRequest(http.MethodGet, x.url+url, nil)
	must(t, err)
	withCookie.Header.Set("Cookie", "rc_uid=id-ann; rc_token=token-ann")
	for name, c := range map[string]struct {
		reply  reply
		status int
	}{
		"nobody":       {x.get(url, ""), 403},
		"wrong token":  {x.get(url+"?rc_uid=id-ann&rc_token=token-ben", ""), 403},
		"a stranger":   {x.get(url, "ben"), 403},
		"headers":      {x.get(url, "bot"), 200},
		"query":        {x.get(url+"?rc_uid=id-ann&rc_token=token-ann", ""), 200},
		"cookies":      {x.send(withCookie), 200},
		"any name":     {x.get("/file-upload/"+m.Files[0]+"/other", "ann"), 200},
		"unknown file": {x.get("/file-upload/nothing/log.txt", "ann"), 404},
		"posted":       {x.post(url, "ann", nil), 404},
	} {
		if c.reply.Status != c.status || c.status == 200 && c.reply.Raw != "lines" {
			t.Errorf("%s: %d %q, want %d", name, c.reply.Status, c.reply.Raw, c.status)
		}
	}
	x.Set(func(st *rocketsim.Settings) { st.UnprotectedFiles = true })
	if r := x.get(url, ""); r.Status != 200 {
		t.Errorf("unprotected: %d", r.Status)
	}
}

func TestMediaRefusals(t *testing.T) {
	x := newSite(t, rocketsim.Config{Settings: rocketsim.Settings{MaxFileSize: 10}})
	x.upload("ben", "TEAM", "file", "f", "", nil).refused(t, 403, object{"error": "unauthorized"})
	x.upload("ann", "nowhere", "file", "f", "", nil).refused(t, 403, object{"error": "unauthorized"})
	x.upload("ann", "TEAM", "picture", "f", "", nil).refused(t, 400, object{"error": "[invalid-field]", "errorType": "invalid-field"})
	x.upload("ann", "TEAM", "file", "f", "", make([]byte, 11)).refused(t, 400, object{"error": "File is too large [error-file-too-large]", "errorType": "error-file-too-large"})
	x.upload("ann", "TEAM", "note", "", "", nil).refused(t, 400, object{"error": "No file was uploaded [error-no-file]", "errorType": "error-no-file"})
	if r := x.post("rooms.media/TEAM", "ann", object{"file": "x"}); r.Status != 400 {
		t.Errorf("JSON: %d %s", r.Status, r.Raw)
	}
	id := x.upload("ann", "TEAM", "file", "f.bin", "", []byte("x")).ok(t).at("file", "_id").(string)
	bad := object{"error": "[invalid-file]", "errorType": "invalid-file"}
	x.post("rooms.mediaConfirm/TEAM/nothing", "ann", object{}).refused(t, 400, bad)
	x.post("rooms.mediaConfirm/GENERAL/"+id, "ann", object{}).refused(t, 400, bad)
	x.post("rooms.mediaConfirm/TEAM/"+id, "bot", object{}).refused(t, 400, bad) // somebody else's upload
	x.post("rooms.mediaConfirm/TEAM/"+id, "ben", object{}).refused(t, 403, object{"error": "unauthorized"})
	x.post("rooms.mediaConfirm/TEAM/"+id, "ann", object{"_id": "mine"}).refused(t, 400, object{"error": "Match error: Unknown key in field _id"})
	x.post("rooms.mediaConfirm/TEAM/"+id, "ann", object{"alias": "Bob"}).refused(t, 400, object{"error": "Not enough permission"})
	x.post("rooms.mediaConfirm/TEAM/"+id, "ann", object{"customFields": "{"}).refused(t, 400, object{"error": "Invalid customFields"})
	x.post("rooms.mediaConfirm/TEAM/"+id, "ann", object{"customFields": `{"a":1}`}).refused(t, 400, object{"error": "Custom fields not enabled"})
	x.post("rooms.mediaConfirm/TEAM/"+id, "ann", object{"description": strings.Repeat("x", 5001)}).refused(t, 400, object{
		"error": "[error-message-size-exceeded]", "errorType": "error-message-size-exceeded",
	})
	x.add(24*time.Hour + time.Second)
	x.post("rooms.mediaConfirm/TEAM/"+id, "ann", object{}).refused(t, 400, bad) // temporary files go after a day
}

func TestMediaDetails(t *testing.T) {
	x := newSite(t, rocketsim.Config{})
	id := x.upload("bot", "TEAM", "file", "f.bin", "", []byte("x")).ok(t).at("file", "_id").(string)
	body := object{"description": "what it is", "fileName": "g.bin", "alias": "Ann", "groupable": true}
	m := x.post("rooms.mediaConfirm/TEAM/"+id, "bot", body).ok(t).message()
	a, _ := m["attachments"].([]any)[0].(object)
	if m["msg"] != "" || a["description"] != "what it is" || a["title"] != "g.bin" || a["format"] != "BIN" || m["alias"] != "Ann" || m["groupable"] != true {
		t.Errorf("message %v", m)
	}
	// Such a text is edited where it stands.
	edited := x.post("chat.update", "bot", object{"roomId": "TEAM", "msgId": m["_id"], "text": "more"}).ok(t).message()
	if a := edited["attachments"].([]any)[0].(object); edited["msg"] != "" || a["description"] != "more" {
		t.Errorf("edited %v", edited)
	}
	// A repeat posts another message: confirming is not safe to repeat.
	if again := x.post("rooms.mediaConfirm/TEAM/"+id, "bot", object{}).ok(t).message(); again["_id"] == m["_id"] || x.count("TEAM") != 2 {
		t.Errorf("again %v", again)
	}
	r := x.post("chat.delete", "bot", object{"fileId": id}).ok(t)
	if x.count("TEAM") != 1 {
		t.Errorf("deleted by file: %s", r.Raw)
	}
	x.post("chat.delete", "bot", object{"fileId": "nothing"}).refused(t, 400, object{"error": `No message found with the file id: "nothing".`})
	old := newSite(t, rocketsim.Config{Version: 7})
	old.post("chat.delete", "bot", object{"fileId": "nothing"}).refused(t, 400, object{
		"error": "must have required property 'msgId' [invalid-params]", "errorType": "invalid-params",
	})
	if _, err := x.Upload(rocketsim.Upload{From: "ben", Room: "TEAM", Name: "f"}); err == nil {
		t.Error("a stranger uploaded")
	}
	if _, err := x.Upload(rocketsim.Upload{From: "ann", Room: "nowhere", Name: "f"}); err == nil {
		t.Error("uploaded nowhere")
	}
}
