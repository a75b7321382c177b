package imap

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/emersion/go-imap/v2"

	"drawbridge/tools"
)

// stage is how far an exchange got.
type stage int

const (
	connecting stage = iota
	encrypting
	greeting
	authenticating
	asking
)

// failure is an exchange that failed.
type failure struct {
	stage stage
	about string // of asking: the folder
	err   error
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

// told is an error that a caller gets to read.
type told = tools.Error

// judge tells a model what a failed exchange means. Nothing here changes anything, so that
// nothing is ever unknown.
func judge(ctx context.Context, err error) error {
	var f *failure
	if err == nil || errors.As(err, new(*told)) || !errors.As(err, &f) {
		return err
	}
	var said *imap.Error
	hasSaid := errors.As(f.err, &said)
	switch {
	case ctx.Err() != nil:
		return tools.Errorf(tools.Unavailable, "the mail server did not answer in time; try again")
	case errors.Is(f.err, errTooMuch):
		return tools.Errorf(tools.Unavailable, "the mail server's answer is larger than what is read of one; narrow the search, by since and until for example")
	case errors.Is(f.err, errNotOffered):
		return tools.Errorf(tools.Denied, "the mail server cannot be logged in to as the settings say: %s. Somebody has to change tools.email.imap.auth.", oneLine(f.err.Error()))
	case f.stage == encrypting:
		return tools.Errorf(tools.Unavailable, "the connection to the mail server could not be encrypted: %s. Somebody has to look at tools.email.imap.", oneLine(f.err.Error()))
	case errors.Is(f.err, errNoValidity):
		return tools.Errorf(tools.Denied, "the folder %q cannot be read: %s", f.about, f.err.Error())
	case f.stage == authenticating && hasSaid && said.Type == imap.StatusResponseTypeNo && said.Code != imap.ResponseCodeUnavailable:
		// Without its words: some servers repeat what they were told.
		return tools.Errorf(tools.Denied, "the mail server does not accept the user name and password of the settings%s. Somebody has to change them.", code(said))
	case f.stage == authenticating:
		return tools.Errorf(tools.Unavailable, "the mail server cannot be logged in to for now; try again later")
	case errors.Is(f.err, errMalformed), errors.Is(f.err, errStuck):
		return tools.Errorf(tools.Unavailable, "%s, so that nothing of it can be relied on; try again", f.err)
	case errors.Is(f.err, os.ErrDeadlineExceeded):
		return tools.Errorf(tools.Unavailable, "the mail server did not answer in time; try again")
	case errors.Is(f.err, io.EOF), errors.Is(f.err, io.ErrUnexpectedEOF), errors.Is(f.err, io.ErrClosedPipe), errors.Is(f.err, syscall.ECONNRESET), errors.Is(f.err, syscall.EPIPE):
		return tools.Errorf(tools.Unavailable, "the mail server ended the connection in the middle of its answer; try again")
	case !hasSaid:
		return tools.Errorf(tools.Unavailable, "the mail server could not be reached, or ended the connection: %s; try again", oneLine(f.err.Error()))
	}
	return saidNo(f, said)
}

// saidNo is the meaning of a question that the server answered with no.
func saidNo(f *failure, said *imap.Error) error {
	switch said.Code {
	case imap.ResponseCodeBadCharset:
		return tools.Errorf(tools.Invalid, "the mail server can search for ASCII characters only; search for a part of the text that has no others")
	case imap.ResponseCodeNonExistent:
		return tools.Errorf(tools.Denied, "there is no folder %q at the mail server. Somebody has to change tools.email.imap.folders.", f.about)
	case imap.ResponseCodeNoPerm, imap.ResponseCodeAuthorizationFailed, imap.ResponseCodePrivacyRequired, imap.ResponseCodeContactAdmin:
		return tools.Errorf(tools.Denied, "the mail server does not allow it, saying %s", oneLine(said.Text))
	}
	return tools.Errorf(tools.Unavailable, "the mail server did not answer the question, saying %s; try again later", oneLine(string(said.Type)+" "+said.Text))
}

func code(said *imap.Error) string {
	if said.Code == "" {
		return ""
	}
	return ", saying " + oneLine(string(said.Code))
}

// maxWords bounds what is told of the words of a server, which are those of an outsider.
const maxWords = 200

// oneLine is a server's words, quoted in so far as they end where they seem to.
func oneLine(words string) string {
	words = strings.Join(strings.Fields(strings.ToValidUTF8(words, "?")), " ")
	if runes := []rune(words); len(runes) > maxWords {
		words = string(runes[:maxWords]) + "…"
	}
	return `"` + strings.ReplaceAll(words, `"`, "'") + `"`
}
