package apihttp_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"drawbridge/server/apihttp"
)

func TestTableAnswersByPathAndMethod(t *testing.T) {
	said := func(name string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(name + " " + r.PathValue("id"))) }
	}
	table := apihttp.Table{
		{Method: http.MethodGet, Pattern: "/v1/things", Handle: said("list")},
		{Method: http.MethodPost, Pattern: "/v1/things", Handle: said("make")},
		{Method: http.MethodGet, Pattern: "/v1/things/{id}", Handle: said("show")},
		{Method: http.MethodPost, Pattern: "/v1/things/{id}/break", Handle: said("break")},
	}
	for _, test := range []struct {
		method, path string
		status       int
		body, allow  string
	}{
		{"GET", "/v1/things", 200, "list ", ""},
		{"GET", "/v1/things/", 200, "list ", ""},
		{"HEAD", "/v1/things", 200, "list ", ""},
		{"POST", "/v1/things", 200, "make ", ""},
		{"GET", "/v1/things/7", 200, "show 7", ""},
		{"POST", "/v1/things/7/break/", 200, "break 7", ""},
		{"DELETE", "/v1/things", 405, "method_not_allowed", "GET, POST"},
		{"HEAD", "/v1/things/7/break", 405, "method_not_allowed", "POST"},
		{"GET", "/v1/things/7/mend", 404, "unknown_url", ""},
		{"GET", "/v1/things//break", 404, "unknown_url", ""},
		{"GET", "/v1", 404, "unknown_url", ""},
	} {
		w := httptest.NewRecorder()
		table.ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) || w.Header().Get("Allow") != test.allow {
			t.Errorf("%s %s: %d, Allow %q, %s", test.method, test.path, w.Code, w.Header().Get("Allow"), w.Body)
		}
	}
}
