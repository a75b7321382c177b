package runapi

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"drawbridge/server/apihttp"
	"drawbridge/server/auth"
	"drawbridge/server/dispatch"
)

// Bounds of a page of a list.
const (
	usualPage = 20
	mostPage  = 100
)

type page struct {
	Object  string  `json:"object"`
	Data    []shown `json:"data"`
	HasMore bool    `json:"has_more"`
	Next    *string `json:"next_cursor"`
}

// list answers GET /v1/runs.
func (a *API) list(w http.ResponseWriter, r *http.Request) {
	q := query{values: r.URL.Query()}
	fits := dispatch.RunFilter{States: q.states("state"), Agent: q.text("agent"), Source: q.text("source"), Event: q.text("event"), Reason: q.text("reason")}
	limit := q.number("limit", 1, mostPage, usualPage)
	if cursor := q.text("cursor"); cursor != "" {
		var ok bool
		if fits.Behind, ok = markOf(cursor); !ok {
			q.wrong("cursor", "the cursor is not one that was given out here; begin without one")
		}
	}
	q.done()
	if q.err != nil {
		q.err.Write(w)
		return
	}
	if p := apihttp.Asker(r); p.Kind != auth.Local {
		fits.Owner = p.String()
	}
	runs, err := a.reader.ListRuns(r.Context(), fits, limit+1)
	if err != nil {
		a.door.Fault(w, r, "listing runs", err)
		return
	}
	apihttp.Answer(w, http.StatusOK, pageOf(runs, limit))
}

// pageOf makes a page of runs, of which one more than fit were asked for.
func pageOf(runs []dispatch.Run, limit int) page {
	p := page{Object: "list", Data: []shown{}, HasMore: len(runs) > limit}
	if p.HasMore {
		runs = runs[:limit]
		next := cursorOf(runs[limit-1].Mark())
		p.Next = &next
	}
	for _, run := range runs {
		p.Data = append(p.Data, show(run))
	}
	return p
}

// cursorOf writes a place in the list for a client to give back.
func cursorOf(mark dispatch.RunMark) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(mark.Created.UnixMilli(), 10) + " " + mark.ID))
}

func markOf(cursor string) (dispatch.RunMark, bool) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	at, id, found := strings.Cut(string(text), " ")
	created, bad := strconv.ParseInt(at, 10, 64)
	if err != nil || bad != nil || !found || id == "" {
		return dispatch.RunMark{}, false
	}
	return dispatch.RunMark{Created: time.UnixMilli(created).UTC(), ID: id}, true
}
