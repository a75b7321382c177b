package smtp

import (
	"context"
	"errors"
	"strings"

	"drawbridge/tools"
)

// judge tells a model what a failed exchange means. The server's reply decides (RFC 5321,
// 4.2.1): 5xx will be the same tomorrow, 4xx may not be, and without one the stage tells
// whether the message may be on its way.
func judge(ctx context.Context, err error) error {
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	said := f.reply()
	switch {
	case said == nil && f.stage == ending:
		return tools.Errorf(tools.OutcomeUnknown, "the connection to the mail server was lost after the whole message had been given to it, so nobody can say whether it goes out. Do not send it again unless a person says so.")
	case f.stage == encrypting && said == nil && ctx.Err() == nil:
		return tools.Errorf(tools.Unavailable, "nothing was sent: the connection to the mail server could not be encrypted: %s. Somebody has to look at tools.email.smtp.", oneLine(f.err.Error()))
	case errors.Is(f.err, errNotOffered):
		return tools.Errorf(tools.Denied, "nothing was sent: the mail server cannot be logged in to as the settings say: %s. Somebody has to change tools.email.smtp.auth.", oneLine(f.err.Error()))
	case said == nil && ctx.Err() != nil:
		return tools.Errorf(tools.Unavailable, "nothing was sent: the mail server did not answer in time; try again")
	case said == nil:
		return tools.Errorf(tools.Unavailable, "nothing was sent: the mail server could not be reached, or ended the connection: %s", oneLine(f.err.Error()))
	case f.stage == authenticating && said.Code/100 == 5:
		// Without its words: some servers repeat what they were told.
		return tools.Errorf(tools.Denied, "nothing was sent: the mail server does not accept the user name and password of the settings (%d). Somebody has to change them.", said.Code)
	case said.Code/100 == 5:
		return refused(f, said.Code, said.Msg)
	}
	if f.stage == authenticating {
		return tools.Errorf(tools.Unavailable, "nothing was sent: the mail server cannot be logged in to for now (%d); try again later", said.Code)
	}
	return tools.Errorf(tools.Unavailable, "nothing was sent%s: the mail server takes no such message for now, saying %d %s; try again later", f.concerning(), said.Code, oneLine(said.Msg))
}

// refused is the meaning of a reply that will be the same next time.
func refused(f *failure, code int, words string) error {
	words = oneLine(words)
	switch f.stage {
	case recipient:
		return tools.Errorf(tools.Invalid, "nothing was sent, to nobody: the mail server refuses the recipient %s for good, saying %d %s. Correct the address, or leave it out.", f.about, code, words)
	case content, ending:
		return tools.Errorf(tools.Invalid, "nothing was sent: the mail server refuses this message for good, saying %d %s. The same message will be refused again.", code, words)
	case sender:
		return tools.Errorf(tools.Denied, "nothing was sent: the mail server takes no mail from the sender of the settings, saying %d %s. Somebody has to change tools.email.from, or the account.", code, words)
	}
	return tools.Errorf(tools.Denied, "nothing was sent: the mail server turns us away, saying %d %s. Somebody has to look at tools.email.smtp.", code, words)
}

func (f *failure) concerning() string {
	if f.about == "" {
		return ""
	}
	return " because of the recipient " + f.about
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
