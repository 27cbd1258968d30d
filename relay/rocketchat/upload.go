package rocketchat

import (
	"io"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"
)

// Upload is a file on its way to a room.
type Upload struct {
	// Name is the file's, and MIMEType what it is; empty for "application/octet-stream".
	Name, MIMEType string
	// Content is read once, to its end, as it is sent. An error of it ends the call.
	Content io.Reader
}

// form returns the upload as a form with one file. What reads it must read it to the end, or close it.
func (u Upload) form() (body io.ReadCloser, kind string) {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() { w.CloseWithError(u.write(form)) }() // which ends when r is closed, at the latest
	return r, form.FormDataContentType()
}

func (u Upload) write(form *multipart.Writer) error {
	h := make(textproto.MIMEHeader)
	h.Set("Content-Disposition", `form-data; name="file"; filename="`+quoteName(u.Name)+`"`)
	h.Set("Content-Type", mediaType(u.MIMEType))
	part, err := form.CreatePart(h)
	if err != nil {
		return err
	}
	if _, err := io.Copy(part, u.Content); err != nil {
		return err
	}
	return form.Close()
}

// mediaType returns a type that fits into a header.
func mediaType(s string) string {
	kind, params, err := mime.ParseMediaType(s)
	if err == nil {
		kind = mime.FormatMediaType(kind, params)
	}
	if err != nil || kind == "" {
		return "application/octet-stream"
	}
	return kind
}

// quoteName writes a file's name into a quoted string as browsers do (HTML standard, "multipart/form-data").
func quoteName(name string) string {
	return strings.NewReplacer("\r", "%0D", "\n", "%0A", `"`, "%22").Replace(name)
}
