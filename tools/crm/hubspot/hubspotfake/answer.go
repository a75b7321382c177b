package hubspotfake

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer does what a request asks for.
func (s *Server) answer(r *http.Request, body []byte) reply {
	if r.Header.Get("Authorization") != "Bearer "+Token {
		return refuse(http.StatusUnauthorized, "INVALID_AUTHENTICATION", "Authentication credentials not found. This API supports OAuth 2.0 authentication")
	}
	if s.lacking != "" {
		answer := problem("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call.")
		answer["errors"] = []any{map[string]any{"message": "One or more of the following scopes are required.", "context": map[string]any{"requiredGranularScopes": []string{s.lacking}}}}
		return reply{http.StatusForbidden, answer}
	}
	path := strings.Split(strings.Trim(r.URL.EscapedPath(), "/"), "/")[1:] // objects/2026-03/...
	for i, segment := range path {
		path[i], _ = url.PathUnescape(segment)
	}
	switch {
	case path[0] == "owners":
		return s.listOwners(r)
	case path[0] == "associations":
		return s.associationsOfMany(path[2], path[3], body)
	case len(path) == 3:
		return s.create(path[2], body)
	case len(path) == 4 && path[3] == "search" && r.Method == http.MethodPost:
		return s.search(path[2], body)
	case len(path) == 5 && r.Method == http.MethodPost:
		return s.batchRead(path[2], body)
	case len(path) == 6:
		return s.associations(r, path[2], path[3], path[5])
	case r.Method == http.MethodPatch:
		return s.update(path[2], path[3], body)
	}
	found := s.tables[path[2]][path[3]]
	if found == nil {
		return notFound()
	}
	return reply{http.StatusOK, s.shown(path[2], *found, strings.Split(r.URL.Query().Get("properties"), ","))}
}

func notFound() reply {
	return refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "Object not found. objectId are usually numeric.")
}

// shown is a record with some of its properties; of those that it has not got, null.
func (s *Server) shown(kind string, o object, properties []string) map[string]any {
	created, updated := stamps(kind)
	values := map[string]any{}
	for _, name := range append([]string{"hs_object_id", created, updated}, properties...) {
		if _, known := s.defined[kind][name]; !known {
			continue
		}
		values[name] = nil
		if value, has := o.values[name]; has {
			values[name] = value
		}
	}
	return map[string]any{"id": o.id, "properties": values, "createdAt": o.created.Format(time.RFC3339Nano), "updatedAt": o.updated.Format(time.RFC3339Nano), "archived": false}
}

func (s *Server) create(kind string, body []byte) reply {
	var in struct {
		Properties   map[string]string
		Associations []struct {
			To    struct{ ID string }
			Types []struct{ AssociationTypeID int }
		}
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return refuse(http.StatusBadRequest, "VALIDATION_ERROR", "%v", err)
	}
	for _, a := range in.Associations {
		to := ""
		for pair, number := range numbers {
			if pair[0] == kind && number == a.Types[0].AssociationTypeID {
				to = pair[1]
			}
		}
		if to == "" || s.tables[to][a.To.ID] == nil {
			return refuse(http.StatusBadRequest, "VALIDATION_ERROR", "association type %d of %s to %s is not valid", a.Types[0].AssociationTypeID, kind, a.To.ID)
		}
	}
	made, refused := s.make(kind, in.Properties)
	if refused != nil {
		return *refused
	}
	for _, a := range in.Associations {
		s.tie(kind, made.id, "contacts", a.To.ID)
	}
	s.delay(kind, *made)
	return reply{http.StatusCreated, s.shown(kind, *made, keys(in.Properties))}
}

func (s *Server) update(kind, id string, body []byte) reply {
	var in struct{ Properties map[string]string }
	if err := json.Unmarshal(body, &in); err != nil {
		return refuse(http.StatusBadRequest, "VALIDATION_ERROR", "%v", err)
	}
	found := s.tables[kind][id]
	if found == nil {
		return notFound()
	}
	if refused := s.check(kind, found.id, in.Properties); refused != nil {
		return *refused
	}
	found.updated = s.now().UTC().Truncate(time.Millisecond)
	s.set(kind, found, in.Properties)
	s.delay(kind, *found)
	return reply{http.StatusOK, s.shown(kind, *found, keys(in.Properties))}
}

func keys(values map[string]string) []string {
	var names []string
	for name := range values {
		names = append(names, name)
	}
	return names
}

func (s *Server) batchRead(kind string, body []byte) reply {
	var in struct {
		Inputs     []struct{ ID string }
		IDProperty string
		Properties []string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return refuse(http.StatusBadRequest, "VALIDATION_ERROR", "%v", err)
	}
	if in.IDProperty != "" && !s.defined[kind][in.IDProperty].unique {
		return refuse(http.StatusBadRequest, "VALIDATION_ERROR", "%s is not a unique property", in.IDProperty)
	}
	seen, results, missing := map[string]bool{}, []any{}, 0
	for _, one := range in.Inputs {
		if seen[one.ID] {
			return refuse(http.StatusBadRequest, "VALIDATION_ERROR", "Duplicate IDs found in batch input: [%s]", one.ID)
		}
		seen[one.ID] = true
		found := s.tables[kind][one.ID]
		if in.IDProperty != "" {
			found = s.holder(kind, in.IDProperty, one.ID)
		}
		if found != nil {
			results = append(results, s.shown(kind, *found, in.Properties))
		} else {
			missing++
		}
	}
	return s.many(results, missing)
}

func (s *Server) many(results []any, missing int) reply {
	at := s.now().UTC().Format(time.RFC3339Nano)
	answer := map[string]any{"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
	if missing == 0 {
		return reply{http.StatusOK, answer}
	}
	answer["numErrors"] = 1
	answer["errors"] = []any{map[string]any{"status": "error", "category": "OBJECT_NOT_FOUND", "message": "Could not get some objects"}}
	return reply{http.StatusMultiStatus, answer}
}

// others are the ids of what a record is associated with.
func (s *Server) others(kind, id, to string) []string {
	var ids []string
	for t := range s.ties {
		if t.from == kind && t.id == id && t.to == to {
			ids = append(ids, t.other)
		}
	}
	slices.SortFunc(ids, byNumber)
	return ids
}

func (s *Server) associated(kind, id, to string) []any {
	list := []any{}
	for _, other := range s.others(kind, id, to) {
		number := s.ties[tie{kind, id, to, other}]
		list = append(list, map[string]any{"toObjectId": other, "associationTypes": []any{map[string]any{"category": "HUBSPOT_DEFINED", "typeId": number, "label": nil}}})
	}
	return list
}

func (s *Server) associations(r *http.Request, kind, id, to string) reply {
	if s.tables[kind][id] == nil {
		return notFound()
	}
	list, limit := s.associated(kind, id, to), 500
	if n, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil {
		limit = n
	}
	answer := map[string]any{"results": list}
	if len(list) > limit {
		answer = map[string]any{"results": list[:limit], "paging": next(strconv.Itoa(limit))}
	}
	return reply{http.StatusOK, answer}
}

func next(after string) map[string]any {
	return map[string]any{"next": map[string]any{"after": after}}
}

func (s *Server) associationsOfMany(kind, to string, body []byte) reply {
	var in struct{ Inputs []struct{ ID string } }
	if err := json.Unmarshal(body, &in); err != nil {
		return refuse(http.StatusBadRequest, "VALIDATION_ERROR", "%v", err)
	}
	results, missing := []any{}, 0
	for _, one := range in.Inputs {
		if list := s.associated(kind, one.ID, to); len(list) > 0 {
			results = append(results, map[string]any{"from": map[string]any{"id": one.ID}, "to": list})
		} else {
			missing++ // HubSpot answers as if nothing of that kind were there
		}
	}
	return s.many(results, missing)
}

func (s *Server) listOwners(r *http.Request) reply {
	from, limit := 0, 100
	if n, err := strconv.Atoi(r.URL.Query().Get("after")); err == nil {
		from = n
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("limit")); err == nil {
		limit = n
	}
	at, list := s.now().UTC().Format(time.RFC3339Nano), []any{}
	for _, o := range s.owners[min(from, len(s.owners)):min(from+limit, len(s.owners))] {
		one := map[string]any{"id": o.id, "type": o.kind, "firstName": o.first, "lastName": o.last, "createdAt": at, "updatedAt": at, "archived": false}
		if o.email != "" {
			one["email"] = o.email
		}
		list = append(list, one)
	}
	answer := map[string]any{"results": list}
	if from+limit < len(s.owners) {
		answer["paging"] = next(strconv.Itoa(from + limit))
	}
	return reply{http.StatusOK, answer}
}
