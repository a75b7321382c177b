package approvalapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"html/template"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"drawbridge/server/guard"
)

// Pages answers the links. A GET shows the call and changes nothing; the form on it posts
// the decision. Nothing of the page is a script, and nothing of it comes from elsewhere.
type Pages struct {
	book  Book
	links *Links
	o     Options
}

// NewPages makes the pages of links.
func NewPages(book Book, links *Links, o Options) *Pages {
	return &Pages{book: o.telling(book), links: links, o: o.withDefaults()}
}

// mostForm is how many bytes a decision may have.
const mostForm = 16 << 10

func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "no-referrer") // the address is the credential
	h.Set("Cache-Control", "no-store")
	h.Set("X-Robots-Tag", "noindex")
	h.Set("X-Content-Type-Options", "nosniff")
	// What is asked for without a good link is nothing, whatever it is.
	id, token := strings.TrimPrefix(r.URL.Path, "/approvals/"), r.URL.Query().Get("t")
	if r.Method == http.MethodPost {
		r.Body = http.MaxBytesReader(w, r.Body, mostForm)
		if err := r.ParseForm(); err != nil {
			say(w, http.StatusBadRequest, view{Title: "The decision did not come whole", Text: "Go back and send it again."})
			return
		}
		token = r.PostForm.Get("t")
	}
	name := p.links.read(id, token, p.o.Now())
	if name == "" {
		say(w, http.StatusUnauthorized, view{Title: "This link is not good, or no longer", Text: "It may have been cut off when it was copied, or its time is over. Nothing was decided."})
		return
	}
	by := guard.Decider{Name: name, Person: p.o.People[name], How: "link", People: p.o.People}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		p.visit(w, r, id, token, by)
	default:
		h.Set("Allow", "GET, HEAD, POST")
		say(w, http.StatusMethodNotAllowed, view{Title: "This is a page to look at, and to decide on"})
	}
}

// visit shows the approval to whoever has a link for it and, if that is what was sent,
// takes a decision down.
func (p *Pages) visit(w http.ResponseWriter, r *http.Request, id, token string, by guard.Decider) {
	one, err := p.book.Approval(r.Context(), id)
	switch {
	case errors.Is(err, guard.ErrNoApproval):
		say(w, http.StatusNotFound, view{Title: "This approval is not kept any more"})
	case err != nil:
		p.o.Log.ErrorContext(r.Context(), "reading an approval", "err", err)
		say(w, http.StatusInternalServerError, view{Title: "That went wrong", Text: "Nothing was decided. Try again in a moment."})
	case r.Method == http.MethodPost:
		p.take(w, r, one, by, token, guard.ApprovalVerdict{Note: strings.TrimSpace(r.PostForm.Get("note"))})
	default:
		say(w, http.StatusOK, p.viewOf(one, by, token))
	}
}

// take takes a decision down.
func (p *Pages) take(w http.ResponseWriter, r *http.Request, one guard.Approval, by guard.Decider, token string, v guard.ApprovalVerdict) {
	said := r.PostForm.Get("decision")
	if !slices.Contains([]string{approves, denies}, said) || utf8.RuneCountInString(v.Note) > mostNote {
		say(w, http.StatusBadRequest, view{Title: "That is no decision", Text: "Approve or deny, with a note of at most 1000 characters. Nothing was decided."})
		return
	}
	v.Approve, v.At = said == approves, p.o.Now()
	decided, err := p.book.DecideApproval(r.Context(), one.ID, by, v)
	switch {
	case errors.Is(err, guard.ErrDecided), errors.Is(err, guard.ErrMayNotDecide):
		shown := p.viewOf(decided, by, token)
		shown.Title, shown.Open = "Your decision was not taken down", false
		shown.Text = reason(err, decided)
		say(w, http.StatusConflict, shown)
	case err != nil:
		p.o.Log.ErrorContext(r.Context(), "deciding about an approval", "err", err)
		say(w, http.StatusInternalServerError, view{Title: "That went wrong", Text: "It may not have been taken down. Look at the link again in a moment."})
	default:
		p.o.Log.InfoContext(r.Context(), "approval decided about", "approval", one.ID, "approve", v.Approve, "principal", by.Name, "state", decided.State)
		shown := p.viewOf(decided, by, token)
		shown.Title, shown.Open = "Thank you: your decision was taken down", false
		say(w, http.StatusOK, shown)
	}
}

func reason(err error, a guard.Approval) string {
	if errors.Is(err, guard.ErrDecided) {
		return "The approval waits for nobody any more: it is " + string(a.State) + "."
	}
	return err.Error() + "."
}

// view is what a page shows.
type view struct {
	Title, Text string
	*guard.Approval
	Pretty  string // the arguments
	Until   string
	Missing int
	Token   string
	Open    bool // there is something to decide
}

func (p *Pages) viewOf(a guard.Approval, by guard.Decider, token string) view {
	v := view{Title: "Approve this call?", Approval: &a, Until: a.Expires.UTC().Format(time.RFC1123), Missing: a.Missing(), Token: token, Open: a.State == guard.ApprovalPending}
	var pretty bytes.Buffer
	if json.Indent(&pretty, a.Arguments, "", "  ") == nil {
		v.Pretty = pretty.String()
	}
	if !v.Open {
		v.Title = "This call was decided about: " + string(a.State)
	} else if err := a.MayDecide(by); err != nil {
		v.Open, v.Title, v.Text = false, "Somebody else has to decide", err.Error()+"."
	}
	return v
}

func say(w http.ResponseWriter, status int, v view) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = pageTemplate.Execute(w, v) // a client that has gone needs no page
}

var pageTemplate = template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{{.Title}}</title></head>
<body>
<h1>{{.Title}}</h1>
{{with .Text}}<p>{{.}}</p>{{end}}
{{if .Approval}}
<table>
<tr><th>Tool</th><td>{{.Tool}} ({{.Effect}})</td></tr>
<tr><th>Asked for by</th><td>{{.Principal}}{{with .For}}, for {{.}}{{end}}{{with .Run}}, in {{.}}{{end}}</td></tr>
{{with .Reason}}<tr><th>Why you are asked</th><td>{{.}}</td></tr>{{end}}
<tr><th>Until</th><td>{{.Until}}</td></tr>
<tr><th>State</th><td>{{.State}}{{if and (eq .State "pending") (gt .Terms.Count 1)}}, {{.Missing}} more to agree{{end}}</td></tr>
</table>
<h2>Arguments</h2>
<p>A model wrote these, perhaps from what a stranger sent: read them as data.</p>
<pre>{{.Pretty}}</pre>
{{range .Decisions}}<p>{{.By}}: {{if .Approved}}approved{{else}}denied{{end}}{{with .Note}} ({{.}}){{end}}</p>{{end}}
{{if .Open}}
<form method="post" action="/approvals/{{.ID}}">
<input type="hidden" name="t" value="{{.Token}}">
<p><label>Note, for whoever called: <input name="note" maxlength="1000" size="60"></label></p>
<p><button name="decision" value="approve">Approve</button> <button name="decision" value="deny">Deny</button></p>
</form>
{{end}}
{{end}}
</body>
</html>
`))
